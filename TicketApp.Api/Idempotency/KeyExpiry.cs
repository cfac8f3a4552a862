using Microsoft.Extensions.Options;
using TicketApp.Api.Database;
using TicketApp.Api.Tickets;

namespace TicketApp.Api.Idempotency;

/// <summary>Forgets idempotency keys whose time is over. Every replica does.</summary>
internal sealed partial class KeyExpiry(
    IdempotencyStore keys, DatabaseMigrator migrator, IOptions<TicketOptions> options, ILogger<KeyExpiry> logger) : BackgroundService
{
    private static readonly TimeSpan _interval = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await migrator.Ready.WaitAsync(stoppingToken);
        using PeriodicTimer timer = new(_interval);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                var first = TicketIds.FirstAt(DateTimeOffset.UtcNow - options.Value.IdempotencyKeyLifetime);
                while (await keys.ForgetAsync(first, stoppingToken) > 0)
                {
                    // A bounded number at a time, until none is left.
                }
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                Log.Failed(logger, exception.GetBaseException().Message);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Warning, Message = "Old idempotency keys are kept for now: {Reason}")]
        public static partial void Failed(ILogger logger, string reason);
    }
}
