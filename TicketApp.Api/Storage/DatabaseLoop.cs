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
    private bool _hasBegun;

    /// <summary>Does what there is to do.</summary>
    protected abstract Task WorkAsync(CancellationToken stoppingToken);

    /// <summary>Waits until there may be something to do again.</summary>
    protected abstract Task WaitAsync(CancellationToken stoppingToken);

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
