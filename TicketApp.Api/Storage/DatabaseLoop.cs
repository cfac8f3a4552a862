using TicketApp.Messaging.Broker;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Storage;

/// <summary>A loop that works once the schema is there, and then waits until there may be something to do again.</summary>
/// <param name="name">What it does, as logs and health say it.</param>
/// <param name="migrator">Says when the schema is there.</param>
/// <param name="progress">Where it is registered.</param>
/// <param name="logger">The subclass's own.</param>
internal abstract class DatabaseLoop(string name, DatabaseMigrator migrator, LoopProgress progress, ILogger logger)
    : SupervisedLoop(name, progress, logger)
{
    private readonly Signal _wake = new();
    private bool _hasBegun;

    /// <summary>There may be something to do: it does not wait any longer.</summary>
    public void Wake() => _wake.Set();

    public override void Dispose()
    {
        _wake.Dispose();
        base.Dispose();
    }

    /// <summary>How long it waits before it works again though nothing wakes it. Default: until something does.</summary>
    protected virtual TimeSpan PollInterval => Timeout.InfiniteTimeSpan;

    /// <summary>Does what there is to do.</summary>
    protected abstract Task WorkAsync(CancellationToken stoppingToken);

    /// <summary>Waits until there may be something to do again.</summary>
    protected virtual Task WaitAsync(CancellationToken stoppingToken) => _wake.WaitAsync(PollInterval, stoppingToken);

    protected sealed override async ValueTask<bool> WaitForWorkAsync(CancellationToken stoppingToken)
    {
        await (_hasBegun ? WaitAsync(stoppingToken) : migrator.Ready.WaitAsync(stoppingToken));
        _hasBegun = true;
        return true;
    }

    protected sealed override Task RunAsync(CancellationToken stoppingToken) => WorkAsync(stoppingToken);

    protected sealed override string? Explain(Exception exception) =>
        exception is BrokerUnavailableException ? exception.Message : DatabaseErrors.Describe(exception);
}

/// <summary>Wakes one waiter. Set while nobody waits, it ends the next wait at once; set often, it still ends one.</summary>
internal sealed class Signal : IDisposable
{
    private readonly SemaphoreSlim _set = new(0, 1);

    public void Set()
    {
        // Most calls find it set, and an exception is dear.
        if (_set.CurrentCount > 0)
        {
            return;
        }

        try
        {
            _set.Release();
        }
        catch (SemaphoreFullException)
        {
            // It is set already.
        }
    }

    /// <summary>Returns when it is set, or after <paramref name="limit"/>.</summary>
    public Task WaitAsync(TimeSpan limit, CancellationToken cancellationToken) => _set.WaitAsync(limit, cancellationToken);

    public void Dispose() => _set.Dispose();
}
