using Npgsql;
using TicketApp.Api.Storage;
using TicketApp.Messaging;
using TicketApp.Messaging.Broker;
using TicketApp.ServiceDefaults;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Completion;

/// <summary>
/// Removes models that no worker has served for a week, each with its queue: a stolen credential of a worker could make up ever more names.
/// The row goes last, so that each queue has one, and their number bounds that of the queues.
/// </summary>
internal sealed partial class ModelRemoval(
    NpgsqlDataSource database, BrokerPublisher broker, DatabaseMigrator migrator, LoopProgress progress, ILogger<ModelRemoval> logger)
    : PurgeLoop("removal of models", TimeSpan.FromMinutes(1), migrator, progress, logger)
{
    private const string Unserved = "last_seen < now() - interval '7 days'";

    private const string FindSql = $"select name from models where {Unserved} order by last_seen, name limit $1";

    private const string RemoveSql =
        $"""
        delete from models where name = any(array(
            select name from models where name = any($1) and {Unserved} order by name for update skip locked))
        """;

    protected override async Task<bool> PurgeAsync(int part, CancellationToken stoppingToken)
    {
        // Health says already that the broker is away.
        if (!broker.IsReady)
        {
            return false;
        }

        List<string> removed = [];
        foreach (var name in await FindAsync(part, stoppingToken))
        {
            var queue = QueueNames.TicketsOf(name);
            // The original's queue is declared with each connection.
            if (queue == QueueNames.Tickets)
            {
                removed.Add(name);
            }
            else if (await broker.TryDeleteIdleAsync(queue, stoppingToken))
            {
                removed.Add(name);
                Log.Removed(Logger, name);
            }
        }

        if (removed.Count == 0)
        {
            return false;
        }

        await using var command = database.CreateCommand(RemoveSql, Value(removed.ToArray()));
        return await command.ExecuteNonQueryAsync(stoppingToken) > 0;
    }

    private async Task<List<string>> FindAsync(int part, CancellationToken cancellationToken)
    {
        List<string> names = [];
        await using var command = database.CreateCommand(FindSql, Value(part));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            names.Add(reader.GetString(0));
        }

        return names;
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Information,
            Message = "The queue of the model {Model} is deleted: no worker has served it for a week")]
        public static partial void Removed(ILogger logger, string model);
    }
}
