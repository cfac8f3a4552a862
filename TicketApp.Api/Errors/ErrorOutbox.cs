using System.Text.Json;
using Npgsql;
using TicketApp.Api.Database;
using TicketApp.Api.Dispatch;
using TicketApp.Contracts;
using TicketApp.Contracts.Broker;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Errors;

/// <summary>
/// Sends one message to "errors" for each ticket that failed for good or ran over its limit. That it is still to be sent is
/// written by the statement that ends the ticket, and taken away once the broker has confirmed; in between the rows are
/// locked, so that replicas do not send the same one. Only a crash right between the two can send one twice, with the same message id.
/// </summary>
internal sealed class ErrorOutbox(NpgsqlDataSource database, BrokerPublisher broker, DatabaseMigrator migrator, LoopProgress progress, ILogger<ErrorOutbox> logger)
    : DatabaseLoop("messages to errors", migrator, progress, logger)
{
    private const int LargestBatch = 100;
    private static readonly TimeSpan _tick = TimeSpan.FromSeconds(1);

    private const string PendingSql =
        """
        select ticket_id, extract(epoch from time_finished - time_created)::float8, error_type, error_message
        from tickets where report_pending limit $1 for update skip locked
        """;

    private const string SentSql = "update tickets set report_pending = false where ticket_id = any($1)";

    private readonly Signal _wake = new();

    /// <summary>There is something to send.</summary>
    public void Wake() => _wake.Set();

    public override void Dispose()
    {
        _wake.Dispose();
        base.Dispose();
    }

    protected override async Task WorkAsync(CancellationToken stoppingToken)
    {
        while (broker.IsReady && await SendBatchAsync(stoppingToken) == LargestBatch)
        {
        }
    }

    protected override Task WaitAsync(CancellationToken stoppingToken) => _wake.WaitAsync(_tick, stoppingToken);

    private async Task<int> SendBatchAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var pending = await PendingAsync(connection, cancellationToken);
        if (pending.Count == 0)
        {
            return 0;
        }

        await Task.WhenAll(pending.Select(error => broker.PublishAsync(
            QueueNames.Errors, JsonSerializer.SerializeToUtf8Bytes(error, ContractJson.Default.ErrorMessage), error.TicketId.ToString(), cancellationToken: cancellationToken)));
        await using NpgsqlCommand sent = new(SentSql, connection);
        sent.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. pending.Select(error => error.TicketId!.Value)] });
        await sent.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return pending.Count;
    }

    private static async Task<List<ErrorMessage>> PendingAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        List<ErrorMessage> pending = [];
        await using NpgsqlCommand command = new(PendingSql, connection) { Parameters = { new NpgsqlParameter<int> { TypedValue = LargestBatch } } };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            pending.Add(new ErrorMessage
            {
                TicketId = reader.GetGuid(0),
                ProcessingTimeInSeconds = Math.Round(reader.GetDouble(1), 3),
                Reason = reader.IsDBNull(2) ? "unknown" : reader.GetString(2),
                Message = reader.IsDBNull(3) ? "Ticket processing failed" : reader.GetString(3),
            });
        }

        return pending;
    }
}
