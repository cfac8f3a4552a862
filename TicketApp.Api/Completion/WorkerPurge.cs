using TicketApp.Api.Storage;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Completion;

/// <summary>Removes the workers and models that were not heard of for long.</summary>
internal sealed class WorkerPurge(RescueStore store, DatabaseMigrator migrator, LoopProgress progress, ILogger<WorkerPurge> logger)
    : PurgeLoop("removal of workers and models", TimeSpan.FromMinutes(1), migrator, progress, logger)
{
    protected override async Task<bool> PurgeAsync(int part, CancellationToken stoppingToken)
    {
        var isMore = false;
        foreach (var sql in RescueStore.Forgotten)
        {
            isMore |= await store.ForgetAsync(sql, part, stoppingToken) == part;
        }

        return isMore;
    }
}
