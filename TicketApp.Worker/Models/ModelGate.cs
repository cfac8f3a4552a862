namespace TicketApp.Worker.Models;

/// <summary>
/// Holds runs back while what their model asks cannot be reached or takes no more. One of them at a time tries again, after pauses that
/// double; the others wait for what becomes of it. An attempt that waits here has not failed.
/// </summary>
internal sealed class ModelGate(TimeProvider time) : IDisposable
{
    private static readonly TimeSpan _minPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _maxPause = TimeSpan.FromSeconds(30);

    // Whatever is asked for, somebody looks after that time again.
    private static readonly TimeSpan _maxAsked = TimeSpan.FromHours(1);

    // After that the attempt ends, uncharged, and its ticket gives the slot to another one.
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(5);

    // Before the run's time is over, which would look as if the model had used it up.
    private static readonly TimeSpan _margin = TimeSpan.FromMilliseconds(200);

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _turns = new(1);
    private Refusal? _refusal;

    /// <summary>Whether runs wait here.</summary>
    public bool IsClosed => State() is not null;

    /// <summary>Asks as soon as the gate lets the run through, and again each time it is refused.</summary>
    /// <param name="run">The run.</param>
    /// <param name="ask">Asks; calls its parameter as soon as there is an answer, while the rest of it may follow.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ModelException">
    /// The run has no time for the next try, which is no fault of its ticket's, or <paramref name="ask"/> failed otherwise.
    /// </exception>
    public async Task<T> RunAsync<T>(ModelRun run, Func<Action, Task<T>> ask, CancellationToken cancellationToken)
    {
        var latest = new[] { time.GetUtcNow() + _patience, run.Ends - _margin, run.Deadline - _margin }.Min();
        while (true)
        {
            using var turn = await EnterAsync(run, latest, cancellationToken);
            try
            {
                return await ask(() => Open(turn));
            }
            catch (ModelException refused) when (refused.IsRefused)
            {
                Close(refused, turn);
                if (refused.RetryAfter >= run.Deadline - time.GetUtcNow())
                {
                    throw new ModelException(refused.Message)
                    {
                        ErrorType = ModelException.Unavailable,
                        RetryAfter = refused.RetryAfter,
                        IsFinal = true,
                    };
                }
            }
            catch (ModelException) when (turn.IsTry)
            {
                // It is there, whatever is wrong with this request.
                Open(turn);
                throw;
            }
        }
    }

    public void Dispose() => _turns.Dispose();

    private async Task<Turn> EnterAsync(ModelRun run, DateTimeOffset latest, CancellationToken cancellationToken)
    {
        if (State() is not { } closed)
        {
            return new(null);
        }

        ThrowIfTooLate(closed, run, latest);
        var left = latest - time.GetUtcNow();
        if (!await _turns.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, cancellationToken))
        {
            return State() is { } still ? throw TooLate(still, run) : new(null);
        }

        Turn turn = new(_turns.Release);
        try
        {
            // Another run may open the gate meanwhile, or be refused for longer.
            while (State() is { } refusal)
            {
                ThrowIfTooLate(refusal, run, latest);
                if (refusal.Until - time.GetUtcNow() is not { Ticks: > 0 } pause)
                {
                    return turn;
                }

                await Task.Delay(pause, time, cancellationToken);
            }
        }
        catch
        {
            turn.Dispose();
            throw;
        }

        turn.Dispose();
        return new(null);
    }

    private void ThrowIfTooLate(Refusal refusal, ModelRun run, DateTimeOffset latest)
    {
        if (refusal.Until >= latest || time.GetUtcNow() >= latest)
        {
            throw TooLate(refusal, run);
        }
    }

    private ModelException TooLate(Refusal refusal, ModelRun run) => new(refusal.Cause.Message)
    {
        ErrorType = ModelException.Unavailable,
        RetryAfter = refusal.Until - time.GetUtcNow(),
        IsRefused = true,
        IsFinal = refusal.Asked && refusal.Until >= run.Deadline,
    };

    private Refusal? State()
    {
        lock (_lock)
        {
            return _refusal;
        }
    }

    private void Open(Turn turn)
    {
        lock (_lock)
        {
            _refusal = null;
        }

        turn.Dispose();
    }

    private void Close(ModelException cause, Turn turn)
    {
        lock (_lock)
        {
            // Runs that were sent together are refused together, which is one refusal.
            var pause = _refusal is null ? _minPause : turn.IsTry ? _refusal.Pause * 2 : _refusal.Pause;
            pause = pause < _maxPause ? pause : _maxPause;
            var asked = cause.RetryAfter < _maxAsked ? cause.RetryAfter.Value : cause.RetryAfter is null ? TimeSpan.Zero : _maxAsked;
            var until = time.GetUtcNow() + (asked > pause ? asked : pause);
            _refusal = _refusal is { } known && known.Until > until ? known : new(cause, until, pause, Asked: asked > pause);
        }
    }

    /// <param name="Cause">Why nothing was run.</param>
    /// <param name="Until">No try before.</param>
    /// <param name="Pause">The pause that the gate would make by itself.</param>
    /// <param name="Asked">Whether the time was asked for, and is not the gate's own guess.</param>
    private sealed record Refusal(ModelException Cause, DateTimeOffset Until, TimeSpan Pause, bool Asked);

    /// <summary>A run that is through; while the gate is closed, the one that tries.</summary>
    private sealed class Turn(Func<int>? release) : IDisposable
    {
        private Func<int>? _release = release;

        public bool IsTry { get; } = release is not null;

        public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
    }
}
