using Microsoft.Extensions.Options;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Tickets;

/// <summary>Forgets idempotency keys whose time is over.</summary>
internal sealed class KeyExpiry(IdempotencyStore keys, IOptions<TicketOptions> options, DatabaseMigrator migrator, LoopProgress progress, ILogger<KeyExpiry> logger)
    : PurgeLoop("forgetting of idempotency keys", TimeSpan.FromMinutes(1), migrator, progress, logger)
{
    protected override async Task<bool> PurgeAsync(int part, CancellationToken stoppingToken) =>
        await keys.ForgetAsync(TicketIds.FirstAt(DateTimeOffset.UtcNow - options.Value.IdempotencyKeyLifetime), part, stoppingToken) > 0;
}
