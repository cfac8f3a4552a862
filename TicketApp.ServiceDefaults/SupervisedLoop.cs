using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace TicketApp.ServiceDefaults;

/// <summary>
/// A piece of background work. All of it has this form: rounds, for as long as the process lives. Whatever a round throws is logged with
/// the loop's name, and the loop tries again after a pause that doubles from a tenth of a second to two seconds.
/// <see cref="LoopProgress"/> knows every loop.
/// </summary>
public abstract partial class SupervisedLoop : BackgroundService
{
    private static readonly TimeSpan _minPause = TimeSpan.FromMilliseconds(100);

    // An outage of hours is some lines an hour, not two a second.
    private static readonly TimeSpan _logInterval = TimeSpan.FromSeconds(30);

    private readonly LoopProgress _progress;
    private readonly ILogger _logger;
    private long _begun; // 0: it waits for work
    private long _failingSince;
    private long _lastLogged;
    private TimeSpan _pause = _minPause;
    private bool _isRetry;
    private long _rounds;
    private Exception? _fault;
    private CancellationTokenSource? _interruption;

    /// <param name="name">What the loop does, as logs and health say it.</param>
    /// <param name="progress">Where it is registered.</param>
    /// <param name="logger">The subclass's own.</param>
    protected SupervisedLoop(string name, LoopProgress progress, ILogger logger)
    {
        (Name, _progress, _logger) = (name, progress, logger);
        progress.Add(this);
    }

    /// <summary>What the loop does.</summary>
    public string Name { get; }

    /// <summary>Whether the process cannot serve without it. If it can, a loop without progress makes it degraded, not unhealthy.</summary>
    public virtual bool IsEssential => false;

    /// <summary>How many rounds have been completed.</summary>
    public long Rounds => Volatile.Read(ref _rounds);

    /// <summary>Why the last round failed; null if it did not.</summary>
    public string? FailureReason { get; private set; }

    /// <summary>For how long it has tried to complete a round; null if it waits for work.</summary>
    internal TimeSpan? Trying => Volatile.Read(ref _begun) is var begun && begun != 0 ? _progress.Time.GetElapsedTime(begun) : null;

    protected ILogger Logger => _logger;

    /// <summary>The longest pause after a failure, but for jitter.</summary>
    protected virtual TimeSpan MaxPause => TimeSpan.FromSeconds(2);

    /// <summary>Breaks off what the loop does and makes the round after it fail with <paramref name="fault"/>. For tests.</summary>
    internal void Inject(Exception fault)
    {
        Volatile.Write(ref _fault, fault);
        Volatile.Read(ref _interruption)?.Cancel();
    }

    /// <summary>Waits until there may be something to do.</summary>
    /// <returns>False: there will never be more, and the loop ends.</returns>
    protected abstract ValueTask<bool> WaitForWorkAsync(CancellationToken stoppingToken);

    /// <summary>Does what there is to do. A round that takes longer than <see cref="LoopProgress.RoundLimit"/> shows in health.</summary>
    protected abstract Task RunAsync(CancellationToken stoppingToken);

    /// <summary>A round failed; for what a subclass must do then.</summary>
    protected virtual void OnFailed(Exception exception)
    {
    }

    /// <summary>The process stops and the loop has ended.</summary>
    protected virtual Task OnStoppedAsync() => Task.CompletedTask;

    /// <summary>
    /// A few words for a failure that operators know, such as a database that is away; null for what nobody
    /// expects, which is logged with its stack.
    /// </summary>
    protected virtual string? Explain(Exception exception) => null;

    /// <summary>The round is as good as done, though it lasts: for loops that keep a connection.</summary>
    protected void Completed()
    {
        Volatile.Write(ref _begun, 0);
        Interlocked.Increment(ref _rounds);
        (_pause, _isRetry) = (_minPause, false);
        if (FailureReason is not null)
        {
            FailureReason = null;
            var failed = _progress.Time.GetElapsedTime(_failingSince).TotalSeconds;
            Log.Recovered(_logger, Name, failed);
        }
    }

    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // What is ready at once must not hold up the start of the process.
        await Task.Yield();
        var isEnded = false;
        while (!isEnded && !stoppingToken.IsCancellationRequested)
        {
            // Not disposed of: a test may interrupt it at any time, and it has no timer.
            var interruption = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            Volatile.Write(ref _interruption, interruption);
            while (!isEnded && !interruption.IsCancellationRequested)
            {
                isEnded = !await RoundAsync(interruption.Token, stoppingToken);
            }
        }

        Volatile.Write(ref _begun, 0);
        await OnStoppedAsync();
    }

    /// <returns>Whether there will be another round.</returns>
    private async Task<bool> RoundAsync(CancellationToken interrupted, CancellationToken stoppingToken)
    {
        try
        {
            // A round that failed is tried again; its work is there already.
            if (!_isRetry && !await WaitForWorkAsync(interrupted))
            {
                return false;
            }

            // Never 0, which says that it waits.
            Interlocked.CompareExchange(ref _begun, _progress.Time.GetTimestamp() | 1, 0);
            if (Interlocked.Exchange(ref _fault, null) is { } fault)
            {
                throw fault;
            }

            await RunAsync(interrupted);
            Completed();
            return true;
        }
        catch (OperationCanceledException) when (interrupted.IsCancellationRequested)
        {
            _isRetry = true;
            return !stoppingToken.IsCancellationRequested;
        }
        catch (Exception exception)
        {
            _isRetry = true;
            Note(exception);
            OnFailed(exception);
            await Task.Delay(_pause * (0.5 + Random.Shared.NextDouble()), stoppingToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _pause = _pause * 2 < MaxPause ? _pause * 2 : MaxPause;
            return true;
        }
    }

    private void Note(Exception exception)
    {
        var reason = Explain(exception);
        var now = _progress.Time.GetTimestamp();
        var isNews = FailureReason is null || _progress.Time.GetElapsedTime(_lastLogged, now) >= _logInterval;
        if (FailureReason is null)
        {
            _failingSince = now;
        }

        FailureReason = reason ?? $"{exception.GetType().Name}: {exception.GetBaseException().Message}";
        if (isNews)
        {
            _lastLogged = now;
            if (reason is null)
            {
                Log.Unexpected(_logger, exception, Name);
            }
            else
            {
                Log.Failing(_logger, Name, reason);
            }
        }

        _progress.NoteFailure(exception);
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 100, Level = LogLevel.Warning, Message = "{Loop} fails for now and is tried again: {Reason}")]
        public static partial void Failing(ILogger logger, string loop, string reason);

        [LoggerMessage(EventId = 101, Level = LogLevel.Error, Message = "{Loop} failed in a way that is not foreseen, and is tried again")]
        public static partial void Unexpected(ILogger logger, Exception exception, string loop);

        [LoggerMessage(EventId = 102, Level = LogLevel.Information, Message = "{Loop} works again after {Seconds:F0} s")]
        public static partial void Recovered(ILogger logger, string loop, double seconds);
    }
}

/// <summary>
/// The pause of a loop that serves all that has come in. Every round costs a commit or a confirmed message, whatever it serves: where
/// many come together, a moment's wait makes rounds fewer and larger. Where few come, nobody waits.
/// </summary>
public static class BatchLinger
{
    private const int Many = 8;
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(4);

    /// <summary>Ends at once after a round that served few, in four milliseconds after one that served many.</summary>
    /// <param name="served">How many the last round served.</param>
    public static Task AfterAsync(int served) => served < Many ? Task.CompletedTask : Task.Delay(_pause);
}
