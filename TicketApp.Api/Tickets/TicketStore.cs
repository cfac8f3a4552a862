using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;
using TicketApp.Messaging;

namespace TicketApp.Api.Tickets;

/// <summary>Writes new tickets.</summary>
internal sealed class TicketStore(IOptions<TicketOptions> tickets, IOptions<DispatchOptions> dispatching)
{
    /// <summary>
    /// Stores the tickets whose users exist and whose keys are new: the first <paramref name="dispatch"/> of the batch as dispatched, the
    /// rest in the backlog.
    /// </summary>
    public async Task<Creation> CreateAsync(NpgsqlConnection connection, IReadOnlyList<NewTicket> batch, int dispatch)
    {
        Dictionary<Guid, StoredTicket> stored = new(batch.Count);
        List<TicketMessage> dispatched = new(dispatch);
        var isDetailed = tickets.Value.DefaultModel != ModelNames.Simulated
            || batch.Any(ticket => ticket is not { Details: null, Key: null, TraceParent: null });
        await using NpgsqlBatch command = new(connection);
        foreach (var insert in Inserts(batch, dispatch, isDetailed))
        {
            command.BatchCommands.Add(insert);
        }

        var first = batch.Take(dispatch).ToDictionary(ticket => ticket.TicketId);
        await using var reader = await command.ExecuteReaderAsync();
        do
        {
            while (await reader.ReadAsync())
            {
                var ticketId = reader.GetGuid(0);
                stored[ticketId] = isDetailed
                    ? Read(reader, first.ContainsKey(ticketId) ? TicketStatus.Dispatched : TicketStatus.Queued)
                    : default;
                if (first.TryGetValue(ticketId, out var ticket))
                {
                    dispatched.Add(ToMessage(ticket, reader.GetDateTime(1)));
                }
            }
        }
        while (await reader.NextResultAsync());
        return new(stored, dispatched);
    }

    private IEnumerable<NpgsqlBatchCommand> Inserts(IReadOnlyList<NewTicket> batch, int dispatch, bool isDetailed)
    {
        if (isDetailed)
        {
            var detailed = Insert(TicketInserts.Detailed, [.. batch], isDetailed);
            AddKeys(detailed, [.. batch.Where(ticket => ticket.Key is not null)]);
            detailed.Parameters.Add(Value(dispatch));
            yield return detailed;
            yield break;
        }

        if (dispatch > 0)
        {
            yield return Insert(TicketInserts.Dispatched, [.. batch.Take(dispatch)], isDetailed);
        }

        if (dispatch < batch.Count)
        {
            yield return Insert(TicketInserts.Queued, [.. batch.Skip(dispatch)], isDetailed);
        }
    }

    private StoredTicket Read(NpgsqlDataReader reader, TicketStatus status) =>
        new(status, tickets.Value.MaxAttempts, reader.GetDateTime(2), reader.GetDateTime(1));

    private TicketMessage ToMessage(NewTicket ticket, DateTime deadline) => new()
    {
        TicketId = ticket.TicketId,
        UserId = ticket.UserId,
        Model = ticket.Details?.Model ?? tickets.Value.DefaultModel,
        Input = ticket.Details?.Input,
        Deadline = deadline,
        ExecutionTimeoutSeconds = ticket.Details?.ExecutionTimeoutS ?? 0,
        StartWithinSeconds = (int)dispatching.Value.MessageExpiration.TotalSeconds,
        Attempt = 1,
        Epoch = 1,
        TraceParent = ticket.TraceParent,
    };

    private NpgsqlBatchCommand Insert(string sql, NewTicket[] rows, bool isDetailed)
    {
        var limit = tickets.Value.Deadline;
        var queue = tickets.Value.QueueTtl ?? limit;
        NpgsqlBatchCommand command = new(sql);
        command.Parameters.Add(Value(Array.ConvertAll(rows, row => row.TicketId)));
        command.Parameters.Add(Value(Array.ConvertAll(rows, row => row.UserId)));
        command.Parameters.Add(Value(Array.ConvertAll(rows, row => (short)row.Priority)));
        command.Parameters.Add(Value(limit));
        command.Parameters.Add(isDetailed ? Value(tickets.Value.QueueTtl) : Value(queue < limit ? queue : limit));
        command.Parameters.Add(Value((short)tickets.Value.MaxAttempts));
        command.Parameters.Add(Value(dispatching.Value.LeaseDuration));
        if (isDetailed)
        {
            command.Parameters.Add(Value(Array.ConvertAll(rows, row => row.Details?.Model ?? tickets.Value.DefaultModel)));
            command.Parameters.Add(Value(Array.ConvertAll(rows, row => row.Details?.Input?.Text)));
            command.Parameters.Add(Value(Array.ConvertAll(rows, row => row.Details?.Input is { IsJson: true })));
            command.Parameters.Add(Value(Array.ConvertAll(rows, row => row.Details?.QueueTtlS)));
            command.Parameters.Add(Value(Array.ConvertAll(rows, row => row.Details?.ExecutionTimeoutS)));
            command.Parameters.Add(Value(Array.ConvertAll(rows, row => row.Details?.DeadlineS)));
            command.Parameters.Add(Value(Array.ConvertAll(rows, row => row.Details?.Webhook?.Url)));
            command.Parameters.Add(Value(Array.ConvertAll(rows, row => (short?)row.Details?.Webhook?.Events)));
            command.Parameters.Add(Value(Array.ConvertAll(rows, row => row.TraceParent)));
        }

        return command;
    }

    private static void AddKeys(NpgsqlBatchCommand command, NewTicket[] keyed)
    {
        NewTicket[] inOrder = [.. keyed.OrderBy(row => row.UserId).ThenBy(row => row.Key!.Key, StringComparer.Ordinal)];
        command.Parameters.Add(Value(Array.ConvertAll(inOrder, row => row.UserId)));
        command.Parameters.Add(Value(Array.ConvertAll(inOrder, row => row.Key!.Key)));
        command.Parameters.Add(Value(Array.ConvertAll(inOrder, row => row.Key!.BodyHash)));
        command.Parameters.Add(Value(Array.ConvertAll(inOrder, row => row.TicketId)));
    }

    private static NpgsqlParameter<T> Value<T>(T value) => new() { TypedValue = value };
}
