using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Limits;
using TicketApp.Contracts;

namespace TicketApp.Api.Tickets;

/// <summary>Writes new tickets.</summary>
internal sealed class TicketStore(NpgsqlDataSource database, IOptions<TicketOptions> tickets, IOptions<DispatchOptions> dispatch, IOptions<LimitOptions> limits)
{
    /// <summary>Stores the tickets whose users exist: the first <paramref name="release"/> of the batch as released, the rest in the backlog.</summary>
    public async Task<Creation> CreateAsync(IReadOnlyList<NewTicket> batch, int release)
    {
        Dictionary<Guid, StoredTicket> stored = new(batch.Count);
        List<TicketMessage> released = new(release);
        var isDetailed = tickets.Value.DefaultModel != ModelNames.Simulated || batch.Any(ticket => ticket.Details is not null || ticket.TraceParent is not null);
        var isKeyed = batch.Any(ticket => ticket.Key is not null);
        if (isKeyed)
        {
            // In one order for all, so that two replicas with the same keys never wait for each other.
            batch = [.. batch.OrderBy(ticket => ticket.UserId).ThenBy(ticket => ticket.Key?.Key, StringComparer.Ordinal)];
        }

        var (releasedSql, queuedSql) = isKeyed ? (TicketInserts.KeyedReleased, TicketInserts.KeyedQueued)
            : isDetailed ? (TicketInserts.DetailedReleased, TicketInserts.DetailedQueued)
            : (TicketInserts.Released, TicketInserts.Queued);
        if (limits.Value.RunningTickets > 0)
        {
            queuedSql = TicketInserts.BehindRelease(queuedSql);
        }

        await using var command = database.CreateBatch();
        if (release > 0)
        {
            command.BatchCommands.Add(Insert(releasedSql, [.. batch.Take(release)], isDetailed, isKeyed));
        }

        if (release < batch.Count)
        {
            command.BatchCommands.Add(Insert(queuedSql, [.. batch.Skip(release)], isDetailed, isKeyed));
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
        TraceParent = ticket.TraceParent,
    };

    private NpgsqlBatchCommand Insert(string sql, NewTicket[] rows, bool isDetailed, bool isKeyed)
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
        command.Parameters.Add(Value(dispatch.Value.Lease));
        if (isDetailed)
        {
            command.Parameters.Add(Value(Array.ConvertAll(rows, row => row.Details?.Model ?? tickets.Value.DefaultModel)));
            command.Parameters.Add(Value(Array.ConvertAll(rows, row => row.Details?.Input)));
            command.Parameters.Add(Value(Array.ConvertAll(rows, row => row.Details?.QueueTtlS)));
            command.Parameters.Add(Value(Array.ConvertAll(rows, row => row.Details?.ExecutionTimeoutS)));
            command.Parameters.Add(Value(Array.ConvertAll(rows, row => row.Details?.DeadlineS)));
            command.Parameters.Add(Value(Array.ConvertAll(rows, row => row.Details?.Webhook?.Url)));
            command.Parameters.Add(Value(Array.ConvertAll(rows, row => (short?)row.Details?.Webhook?.Events)));
            command.Parameters.Add(Value(Array.ConvertAll(rows, row => row.TraceParent)));
        }

        if (isKeyed)
        {
            var keyed = Array.FindAll(rows, row => row.Key is not null);
            command.Parameters.Add(Value(Array.ConvertAll(keyed, row => row.UserId)));
            command.Parameters.Add(Value(Array.ConvertAll(keyed, row => row.Key!.Key)));
            command.Parameters.Add(Value(Array.ConvertAll(keyed, row => row.Key!.BodyHash)));
            command.Parameters.Add(Value(Array.ConvertAll(keyed, row => row.TicketId)));
        }

        return command;
    }

    private static NpgsqlParameter<T> Value<T>(T value) => new() { TypedValue = value };
}
