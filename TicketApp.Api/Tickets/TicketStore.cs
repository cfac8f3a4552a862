using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Dispatch;
using TicketApp.Contracts;

namespace TicketApp.Api.Tickets;

/// <summary>Writes new tickets.</summary>
internal sealed class TicketStore(NpgsqlDataSource database, IOptions<TicketOptions> tickets, IOptions<DispatchOptions> dispatch)
{
    /// <summary>Stores the tickets whose users exist: the first <paramref name="release"/> of the batch as released, the rest in the backlog.</summary>
    public async Task<Creation> CreateAsync(IReadOnlyList<NewTicket> batch, int release)
    {
        Dictionary<Guid, StoredTicket> stored = new(batch.Count);
        List<TicketMessage> released = new(release);
        var isDetailed = tickets.Value.DefaultModel != ModelNames.Simulated || batch.Any(ticket => ticket.Details is not null);
        await using var command = database.CreateBatch();
        if (release > 0)
        {
            NpgsqlParameter<TimeSpan> lease = new() { TypedValue = dispatch.Value.Lease };
            command.BatchCommands.Add(Insert(isDetailed ? TicketInserts.DetailedReleased : TicketInserts.Released, isDetailed, [.. batch.Take(release)], lease));
        }

        if (release < batch.Count)
        {
            command.BatchCommands.Add(Insert(isDetailed ? TicketInserts.DetailedQueued : TicketInserts.Queued, isDetailed, [.. batch.Skip(release)]));
        }

        await using var reader = await command.ExecuteReaderAsync();
        if (release > 0)
        {
            var byId = batch.Take(release).ToDictionary(ticket => ticket.TicketId);
            while (await reader.ReadAsync())
            {
                var ticketId = reader.GetGuid(0);
                stored[ticketId] = isDetailed ? Read(reader, TicketStatus.Released) : default;
                released.Add(ToMessage(byId[ticketId], reader.GetDateTime(1)));
            }

            await reader.NextResultAsync();
        }

        while (await reader.ReadAsync())
        {
            stored[reader.GetGuid(0)] = isDetailed ? Read(reader, TicketStatus.Queued) : default;
        }

        return new(stored, released);
    }

    private StoredTicket Read(NpgsqlDataReader reader, TicketStatus status) => new(status, tickets.Value.MaxAttempts, reader.GetDateTime(2), reader.GetDateTime(1));

    private TicketMessage ToMessage(NewTicket ticket, DateTime deadline) => new()
    {
        TicketId = ticket.TicketId,
        UserId = ticket.UserId,
        Model = ticket.Details?.Model ?? tickets.Value.DefaultModel,
        Input = ticket.Details?.Input,
        Deadline = deadline,
        RunLimitSeconds = ticket.Details?.ExecutionTimeoutS ?? 0,
        StartWithinSeconds = (int)dispatch.Value.MessageExpiration.TotalSeconds,
        Attempt = 1,
        Epoch = 1,
    };

    private NpgsqlBatchCommand Insert(string sql, bool isDetailed, NewTicket[] rows, NpgsqlParameter? lease = null)
    {
        var limit = tickets.Value.ProcessingLimit;
        var queue = tickets.Value.QueueLimit ?? limit;
        NpgsqlBatchCommand command = new(sql);
        command.Parameters.Add(Value(Array.ConvertAll(rows, row => row.TicketId)));
        command.Parameters.Add(Value(Array.ConvertAll(rows, row => row.UserId)));
        command.Parameters.Add(Value(Array.ConvertAll(rows, row => (short)row.Priority)));
        command.Parameters.Add(Value(limit));
        command.Parameters.Add(isDetailed ? Value(tickets.Value.QueueLimit) : Value(queue < limit ? queue : limit));
        command.Parameters.Add(Value((short)tickets.Value.MaxAttempts));
        if (isDetailed)
        {
            command.Parameters.Add(Value(Array.ConvertAll(rows, row => row.Details?.Model ?? tickets.Value.DefaultModel)));
            command.Parameters.Add(Value(Array.ConvertAll(rows, row => row.Details?.Input)));
            command.Parameters.Add(Value(Array.ConvertAll(rows, row => row.Details?.QueueTtlS)));
            command.Parameters.Add(Value(Array.ConvertAll(rows, row => row.Details?.ExecutionTimeoutS)));
            command.Parameters.Add(Value(Array.ConvertAll(rows, row => row.Details?.DeadlineS)));
            command.Parameters.Add(Value(Array.ConvertAll(rows, row => row.Details?.Webhook?.Url)));
            command.Parameters.Add(Value(Array.ConvertAll(rows, row => (short?)row.Details?.Webhook?.Events)));
        }

        if (lease is not null)
        {
            command.Parameters.Add(lease);
        }

        return command;
    }

    private static NpgsqlParameter<T> Value<T>(T value) => new() { TypedValue = value };
}
