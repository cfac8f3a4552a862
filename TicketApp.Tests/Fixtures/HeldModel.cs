using System.Threading.Channels;
using TicketApp.Worker.Models;

namespace TicketApp.Tests.Fixtures;

/// <summary>A run of <see cref="HeldModel"/>, which ends when the test says so.</summary>
internal sealed class HeldRun(Guid ticketId)
{
    private readonly TaskCompletionSource<string> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string TicketId { get; } = ticketId.ToString();

    public void End() => _end.TrySetResult("held");

    public Task<string> EndedAsync(CancellationToken cancellationToken) => _end.Task.WaitAsync(cancellationToken);
}

/// <summary>
/// A model whose runs a test ends, and which counts how many there were at once. One with the input
/// <c>quick</c> ends by itself and does not count.
/// </summary>
internal sealed class HeldModel : IModel
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    private readonly Channel<HeldRun> _started = Channel.CreateUnbounded<HeldRun>();
    private readonly Lock _lock = new();
    private int _running;
    private int _most;

    public string Name { get; } = $"held-{Guid.NewGuid():N}";

    public string Description => "Runs until a test ends it";

    public int Slots => 20;

    /// <summary>How many ran at once at most.</summary>
    public int Most
    {
        get
        {
            lock (_lock)
            {
                return _most;
            }
        }
    }

    /// <summary>How many run now.</summary>
    public int Running
    {
        get
        {
            lock (_lock)
            {
                return _running;
            }
        }
    }

    /// <summary>Whether a run has started that <see cref="StartedAsync"/> has not returned.</summary>
    public bool HasStarted => _started.Reader.TryPeek(out _);

    /// <summary>The next run that starts.</summary>
    public Task<HeldRun> StartedAsync() => _started.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(_limit);

    public async ValueTask<ModelAnswer> RunAsync(ModelRun run, CancellationToken cancellationToken)
    {
        if (run.Input == "quick")
        {
            return "passed";
        }

        lock (_lock)
        {
            _most = Math.Max(_most, ++_running);
        }

        try
        {
            HeldRun held = new(run.TicketId);
            _started.Writer.TryWrite(held);
            return await held.EndedAsync(cancellationToken);
        }
        finally
        {
            lock (_lock)
            {
                _running--;
            }
        }
    }
}
