using TicketApp.Api.Database;

namespace TicketApp.Api.Statistics;

/// <summary>Keeps the totals up to date. Every replica tries, one at a time counts.</summary>
internal sealed partial class TotalsCounter(TotalsStore store, DatabaseMigrator migrator, ILogger<TotalsCounter> logger) : BackgroundService
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await migrator.Ready.WaitAsync(stoppingToken);
        using PeriodicTimer timer = new(_interval);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                while (await store.CountAsync(stoppingToken) >= TotalsStore.LargestCount / 2)
                {
                    // There is more to catch up with.
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
        [LoggerMessage(EventId = 1, Level = LogLevel.Warning, Message = "The totals are not up to date: {Reason}")]
        public static partial void Failed(ILogger logger, string reason);
    }
}
