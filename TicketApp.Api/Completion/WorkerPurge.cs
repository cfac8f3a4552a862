using Npgsql;
using TicketApp.Api.Storage;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Completion;

/// <summary>Removes the workers and models that were not heard of for long.</summary>
internal sealed class WorkerPurge(WorkerStore store, DatabaseMigrator migrator, LoopProgress progress, ILogger<WorkerPurge> logger)
    : PurgeLoop("removal of workers and models", TimeSpan.FromMinutes(1), migrator, progress, logger)
{
    protected override async Task<bool> PurgeAsync(int part, CancellationToken stoppingToken)
    {
        var isMore = false;
        foreach (var sql in WorkerStore.Forgotten)
        {
            isMore |= await store.ForgetAsync(sql, part, stoppingToken) == part;
        }

        return isMore;
    }
}

/// <summary>The removal's statements.</summary>
internal sealed class WorkerStore(NpgsqlDataSource database)
{
    private const string ForgetWorkersSql =
        """
        delete from workers where worker = any(array(
            select worker from workers where last_seen < now() - interval '1 hour' order by worker limit $1 for update skip locked))
        """;

    private const string ForgetModelsSql =
        """
        delete from models where name = any(array(
            select name from models where last_seen < now() - interval '7 days' order by name limit $1 for update skip locked))
        """;

    /// <summary>What must be forgotten: workers that were not heard of for an hour, models that no worker has served for a week.</summary>
    public static IReadOnlyList<string> Forgotten { get; } = [ForgetWorkersSql, ForgetModelsSql];

    /// <summary>Forgets a bounded number of rows.</summary>
    /// <param name="sql">One of <see cref="Forgotten"/>.</param>
    /// <param name="most">The most rows.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>How many.</returns>
    public async Task<int> ForgetAsync(string sql, int most, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
