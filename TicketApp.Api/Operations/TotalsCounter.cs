using TicketApp.Api.Storage;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Operations;

/// <summary>Keeps the totals up to date. Every replica tries, one at a time counts.</summary>
internal sealed class TotalsCounter(TotalsStore store, DatabaseMigrator migrator, LoopProgress progress, ILogger<TotalsCounter> logger)
    : DatabaseLoop("counting of ends", migrator, progress, logger)
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(2);

    private bool _isBehind;

    // A part a round, so that catching up with millions does not look like a loop that hangs.
    protected override async Task WorkAsync(CancellationToken stoppingToken) => _isBehind = await store.CountAsync(stoppingToken) >= TotalsStore.MaxCount / 2;

    protected override Task WaitAsync(CancellationToken stoppingToken) => _isBehind ? Task.CompletedTask : Task.Delay(_interval, stoppingToken);
}
