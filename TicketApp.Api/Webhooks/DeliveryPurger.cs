using TicketApp.Api.Storage;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Webhooks;

/// <summary>Removes deliveries that ended long ago.</summary>
internal sealed class DeliveryPurger(DeliveryStore store, DatabaseMigrator migrator, LoopProgress progress, ILogger<DeliveryPurger> logger)
    : PurgeLoop("removal of old webhook deliveries", TimeSpan.FromMinutes(10), migrator, progress, logger)
{
    protected override async Task<bool> PurgeAsync(int part, CancellationToken stoppingToken) => await store.PurgeAsync(part, stoppingToken) > 0;
}
