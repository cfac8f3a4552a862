using TicketApp.Api.Database;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Statistics;

/// <summary>Keeps the totals up to date. Every replica tries, one at a time counts.</summary>
internal sealed class TotalsCounter(TotalsStore store, DatabaseMigrator migrator, LoopProgress progress, ILogger<TotalsCounter> logger)
    : DatabaseLoop("counting of ends", migrator, progress, logger)
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(2);

    protected override async Task WorkAsync(CancellationToken stoppingToken)
    {
        while (await store.CountAsync(stoppingToken) >= TotalsStore.LargestCount / 2)
        {
            // There is more to catch up with.
        }
    }

    protected override Task WaitAsync(CancellationToken stoppingToken) => Task.Delay(_interval, stoppingToken);
}
