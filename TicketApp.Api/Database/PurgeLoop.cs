using System.Diagnostics;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Database;

/// <summary>
/// Removes what is kept no longer. A bounded part each round, and a rest after it, so that it never takes more than a small part of the
/// database, and a round is short however much there is to remove. Every replica does.
/// </summary>
/// <param name="name">What it does, as logs and health say it.</param>
/// <param name="interval">How long to rest when nothing is left.</param>
/// <param name="migrator">Says when the schema is there.</param>
/// <param name="progress">Where its rounds are marked.</param>
/// <param name="logger">The subclass's own.</param>
internal abstract class PurgeLoop(string name, TimeSpan interval, DatabaseMigrator migrator, LoopProgress progress, ILogger logger)
    : DatabaseLoop(name, migrator, progress, logger)
{
    // Of the time that a part took: a fifth of one connection at most.
    private const int RestFactor = 4;

    private TimeSpan _rest;

    /// <summary>Removes a part. Whether there may be more.</summary>
    protected abstract Task<bool> PurgeAsync(CancellationToken stoppingToken);

    protected sealed override async Task WorkAsync(CancellationToken stoppingToken)
    {
        var started = Stopwatch.GetTimestamp();
        _rest = await PurgeAsync(stoppingToken) ? RestFactor * Stopwatch.GetElapsedTime(started) : interval;
    }

    protected sealed override Task WaitAsync(CancellationToken stoppingToken) => Task.Delay(_rest, stoppingToken);
}
