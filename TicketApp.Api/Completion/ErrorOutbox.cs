using System.Runtime.ExceptionServices;
using Npgsql;
using TicketApp.Api.Storage;
using TicketApp.Messaging;
using TicketApp.Messaging.Broker;
using TicketApp.ServiceDefaults;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Completion;

/// <summary>
/// Sends one message to "errors" for each ticket that failed for good or ran over its limit. That it is still to be sent is
/// written by the statement that ends the ticket, and taken away once the broker has confirmed. One replica at a time sends: in between no
/// ticket is locked, nor a snapshot kept, however long the broker takes. Only a crash right between the two can send one twice, with the
/// same message id.
/// </summary>
internal sealed class ErrorOutbox(
    NpgsqlDataSource database, BrokerPublisher broker, DatabaseMigrator migrator, LoopProgress progress, ILogger<ErrorOutbox> logger)
    : DatabaseLoop("messages to errors", migrator, progress, logger)
{
    private const int MaxBatch = 100;

    // Any number will do, so long as nothing else in the database takes the same one.
    private const long LockKey = 0x6572726f7273; // "errors"

    private const string TurnSql = "select pg_try_advisory_xact_lock($1)";

    private const string PendingSql =
        """
        select ticket_id, epoch, extract(epoch from time_finished - time_created)::float8, error_type, error_message, user_id
        from tickets where report_pending order by ticket_id limit $1
        """;

    // A ticket that was made to run again may have failed again, which is still to be sent.
    private const string SentSql =
        """
        update tickets t set report_pending = false
        from (
            select t.ticket_id from unnest($1, $2) s (ticket_id, epoch) join tickets t on t.ticket_id = s.ticket_id
            where t.epoch = s.epoch and t.report_pending order by t.ticket_id for no key update of t) sent
        where t.ticket_id = sent.ticket_id
        """;

    /// <summary>Keeps all replicas from sending until the transaction ends.</summary>
    /// <returns>False while another sends, or keeps others from it.</returns>
    public static async Task<bool> TryTakeTurnAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var turn = connection.CreateCommand(TurnSql, Value(LockKey));
        return await turn.ExecuteScalarAsync(cancellationToken) is true;
    }

    protected override TimeSpan PollInterval => TimeSpan.FromSeconds(1);

    protected override async Task WorkAsync(CancellationToken stoppingToken)
    {
        while (broker.IsReady && await SendBatchAsync(stoppingToken) == MaxBatch)
        {
        }
    }

    private async Task<int> SendBatchAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var pending = await PendingAsync(connection, cancellationToken);
        if (pending.Count == 0)
        {
            return 0;
        }

        // Those that the broker took are sent, whatever becomes of the others.
        var failures = await Task.WhenAll(pending.Select(item => TrySendAsync(item.Error, cancellationToken)));
        var taken = pending.Where((_, i) => failures[i] is null).ToArray();
        if (taken.Length == 0)
        {
            ExceptionDispatchInfo.Throw(failures[0]!);
        }

        await using var sent = connection.CreateCommand(
            SentSql, Column(taken, item => item.Error.TicketId!.Value), Column(taken, item => item.Epoch));
        await sent.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return taken.Length;
    }

    /// <returns>Why the broker did not take it; null if it did.</returns>
    private async Task<Exception?> TrySendAsync(ErrorMessage error, CancellationToken cancellationToken)
    {
        try
        {
            await broker.PublishAsync(
                QueueNames.Errors,
                ContractJson.Serialize(error, ContractJson.Default.ErrorMessage),
                error.TicketId.ToString(),
                cancellationToken: cancellationToken);
            return null;
        }
        catch (BrokerUnavailableException exception)
        {
            return exception;
        }
    }

    /// <summary>What is to be sent; nothing while another replica sends.</summary>
    private static async Task<List<(ErrorMessage Error, int Epoch)>> PendingAsync(
        NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        if (!await TryTakeTurnAsync(connection, cancellationToken))
        {
            return [];
        }

        List<(ErrorMessage, int)> pending = [];
        await using var command = connection.CreateCommand(PendingSql, Value(MaxBatch));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            ErrorMessage error = new()
            {
                TicketId = reader.GetGuid(0),
                UserId = reader.GetGuid(5),
                ProcessingTimeInSeconds = Math.Round(reader.GetDouble(2), 3),
                Reason = reader.Text(3) ?? "unknown",
                Message = reader.Text(4) ?? "Ticket processing failed",
            };
            pending.Add((error, reader.GetInt32(1)));
        }

        return pending;
    }
}
