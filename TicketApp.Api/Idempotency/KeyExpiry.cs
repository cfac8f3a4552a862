using Microsoft.Extensions.Options;
using TicketApp.Api.Database;
using TicketApp.Api.Tickets;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Idempotency;

/// <summary>Forgets idempotency keys whose time is over. Every replica does.</summary>
internal sealed class KeyExpiry(IdempotencyStore keys, IOptions<TicketOptions> options, DatabaseMigrator migrator, LoopProgress progress, ILogger<KeyExpiry> logger)
    : DatabaseLoop("forgetting of idempotency keys", migrator, progress, logger)
{
    private static readonly TimeSpan _interval = TimeSpan.FromMinutes(1);

    protected override async Task WorkAsync(CancellationToken stoppingToken)
    {
        var first = TicketIds.FirstAt(DateTimeOffset.UtcNow - options.Value.IdempotencyKeyLifetime);
        while (await keys.ForgetAsync(first, stoppingToken) > 0)
        {
            // A bounded number at a time, until none is left.
        }
    }

    protected override Task WaitAsync(CancellationToken stoppingToken) => Task.Delay(_interval, stoppingToken);
}
