using System.Diagnostics;
using Microsoft.Extensions.Options;
using TicketApp.Api.Database;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Retention;

/// <summary>Walks over old tickets and removes those that ended long ago, a page each round, and rests in between, so that it never takes more than a small part of the database.</summary>
internal sealed partial class Purger(
    PurgeStore store, DatabaseMigrator migrator, LoopProgress progress, IOptions<RetentionOptions> options, ILogger<Purger> logger)
    : DatabaseLoop("removal of old tickets", migrator, progress, logger)
{
    // Of the time that a page took: a fifth of one connection at most.
    private const int RestFactor = 4;

    private bool _beyondNow;
    private Guid _after;
    private int _purged;
    private TimeSpan _rest = Timeout.InfiniteTimeSpan;

    protected override async Task WorkAsync(CancellationToken stoppingToken)
    {
        if (options.Value.FinishedFor == TimeSpan.Zero)
        {
            return;
        }

        var started = Stopwatch.GetTimestamp();
        var page = await store.PurgeAsync(_after, _beyondNow, stoppingToken);
        _purged += page.Purged;
        _after = page.Last ?? Guid.Empty;
        _rest = RestFactor * Stopwatch.GetElapsedTime(started);
        if (page.Last is null)
        {
            _beyondNow = !_beyondNow;
        }

        if (page.Last is null && !_beyondNow)
        {
            EndWalk();
        }
    }

    protected override Task WaitAsync(CancellationToken stoppingToken) => Task.Delay(_rest, stoppingToken);

    private void EndWalk()
    {
        _rest = options.Value.Tick;
        if (_purged > 0)
        {
            Log.Purged(logger, _purged);
            _purged = 0;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "{Count} tickets that ended long ago were removed")]
        public static partial void Purged(ILogger logger, int count);
    }
}
