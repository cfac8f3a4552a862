using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Dispatch;
using TicketApp.Contracts;

namespace TicketApp.Api.Tickets;

/// <summary>Writes new tickets.</summary>
internal sealed class TicketStore(NpgsqlDataSource database, IOptions<TicketOptions> tickets, IOptions<DispatchOptions> dispatch)
{
    private const string ReleasedSql =
        """
        insert into tickets (ticket_id, user_id, time_created, expires_at, due_at, max_attempts, priority, status, attempt, epoch, lease_expires)
        select i.ticket_id, i.user_id, now(), now() + $4, now() + $5, $6, i.priority, 'released', 1, 1, now() + $7
        from unnest($1, $2, $3) i (ticket_id, user_id, priority)
        join users u on u.user_id = i.user_id
        returning ticket_id, user_id, model, expires_at
        """;

    // Start-time fair queuing. Each user's tickets of one priority form a flow; a ticket's key is its flow's last key, or the
    // backlog's head if that is further on, plus its cost: 1 for high, 4 for normal, 16 for low. So a flow of 100,000 tickets
    // stretches far behind a newcomer's first one, and low priority gets its sixteenth of high's share, never nothing.
    // Both look-ups are one index entry each, whatever the backlog.
    private const string QueuedSql =
        """
        insert into tickets (ticket_id, user_id, time_created, expires_at, due_at, max_attempts, priority, status, queue_key)
        select i.ticket_id, i.user_id, now(), now() + $4, now() + $5, $6, i.priority, 'queued',
            greatest(coalesce(head.queue_key, 0), coalesce(flow.queue_key, 0))
                + (case i.priority when 2 then 1 when 1 then 4 else 16 end) * row_number() over (partition by i.user_id, i.priority order by i.place)
        from unnest($1, $2, $3) with ordinality i (ticket_id, user_id, priority, place)
        join users u on u.user_id = i.user_id
        left join (select queue_key from tickets where status = 'queued' order by queue_key limit 1) head on true
        left join lateral (
            select q.queue_key from tickets q
            where q.status = 'queued' and q.user_id = i.user_id and q.priority = i.priority
            order by q.queue_key desc limit 1) flow on true
        returning ticket_id
        """;

    /// <summary>Stores the tickets whose users exist: the first <paramref name="release"/> of the batch as released, the rest in the backlog.</summary>
    public async Task<Creation> CreateAsync(IReadOnlyList<NewTicket> batch, int release)
    {
        HashSet<Guid> stored = new(batch.Count);
        List<TicketMessage> released = new(release);
        await using var command = database.CreateBatch();
        if (release > 0)
        {
            command.BatchCommands.Add(Insert(ReleasedSql, batch.Take(release), new NpgsqlParameter<TimeSpan> { TypedValue = dispatch.Value.Lease }));
        }

        if (release < batch.Count)
        {
            command.BatchCommands.Add(Insert(QueuedSql, batch.Skip(release)));
        }

        await using var reader = await command.ExecuteReaderAsync();
        if (release > 0)
        {
            while (await reader.ReadAsync())
            {
                released.Add(new TicketMessage
                {
                    TicketId = reader.GetGuid(0),
                    UserId = reader.GetGuid(1),
                    Model = reader.GetString(2),
                    Deadline = reader.GetFieldValue<DateTimeOffset>(3),
                    StartWithinSeconds = (int)dispatch.Value.MessageExpiration.TotalSeconds,
                    Attempt = 1,
                    Epoch = 1,
                });
                stored.Add(reader.GetGuid(0));
            }

            await reader.NextResultAsync();
        }

        while (await reader.ReadAsync())
        {
            stored.Add(reader.GetGuid(0));
        }

        return new(stored, released);
    }

    private NpgsqlBatchCommand Insert(string sql, IEnumerable<NewTicket> batch, params ReadOnlySpan<NpgsqlParameter> more)
    {
        NewTicket[] rows = [.. batch];
        NpgsqlBatchCommand command = new(sql);
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = Array.ConvertAll(rows, row => row.TicketId) });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = Array.ConvertAll(rows, row => row.UserId) });
        command.Parameters.Add(new NpgsqlParameter<short[]> { TypedValue = Array.ConvertAll(rows, row => (short)row.Priority) });
        var limit = tickets.Value.ProcessingLimit;
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = limit });
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = tickets.Value.QueueLimit is { } queue && queue < limit ? queue : limit });
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)tickets.Value.MaxAttempts });
        foreach (var parameter in more)
        {
            command.Parameters.Add(parameter);
        }

        return command;
    }
}
