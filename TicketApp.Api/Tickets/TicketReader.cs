using Npgsql;
using TicketApp.Api.Auth;
using TicketApp.Api.Storage;
using TicketApp.Api.Telemetry;
using TicketApp.ServiceDefaults;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Tickets;

/// <summary>Reads tickets by id, many a statement: one whose only parameter is the ids, and its first column the id.</summary>
internal abstract class TicketReader<TRow>(
    string sql, NpgsqlDataSource database, TicketMetrics metrics, LoopProgress progress, ILogger logger, int maxBatch, int capacity)
    : Batcher<Guid, Bounded<TRow>>("read tickets", database, metrics, progress, logger, maxBatch, capacity)
    where TRow : class, ISized
{
    protected sealed override bool IsRepeatable => true;

    protected abstract TRow Read(NpgsqlDataReader reader);

    protected sealed override async Task<IReadOnlyList<Bounded<TRow>>> ExecuteBatchAsync(IReadOnlyList<Guid> items)
    {
        Dictionary<Guid, Bounded<TRow>> found = new(items.Count);
        ReadBudget budget = new();
        await using var command = Database.CreateCommand(sql, Column(items, id => id));
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            found[reader.GetGuid(0)] = budget.Read(reader, Read);
        }

        if (budget.IsSpent)
        {
            // What is not kept has come from the database too.
            Shrink(items.Count);
        }

        return [.. items.Select(found.GetValueOrDefault)];
    }
}

/// <summary>Reads whole tickets for the resource API.</summary>
internal sealed class TicketRecordReader(
    NpgsqlDataSource database, TicketMetrics metrics, LoopProgress progress, ILogger<TicketRecordReader> logger)
    : TicketReader<TicketRecord>(SelectSql, database, metrics, progress, logger, maxBatch: 200, capacity: 10_000)
{
    private const string SelectSql = $"select {TicketRecord.Columns} from tickets t where t.ticket_id = any($1)";

    /// <summary>Finds a ticket.</summary>
    /// <returns>Null if <paramref name="id"/> is no ticket's.</returns>
    /// <exception cref="OverloadedException">Too many large tickets are asked for at once.</exception>
    public async ValueTask<TicketRecord?> FindAsync(string id) =>
        Guid.TryParseExact(id, "D", out var ticketId) ? (await SubmitAsync(ticketId)).Available : null;

    /// <summary>Finds a ticket that <paramref name="caller"/> may act for. Another's is as if it did not exist.</summary>
    /// <inheritdoc cref="FindAsync(string)"/>
    public async ValueTask<TicketRecord?> FindAsync(string id, Caller caller) =>
        await FindAsync(id) is { } row && caller.MayActFor(row.UserId) ? row : null;

    protected override TicketRecord Read(NpgsqlDataReader reader) => TicketRecord.Read(reader);
}

/// <summary>Reads what the original's API says of a ticket; those that succeeded from memory, since they never change.</summary>
internal sealed class TicketSummaryReader(
    NpgsqlDataSource database,
    TicketMetrics metrics,
    LoopProgress progress,
    ILogger<TicketSummaryReader> logger,
    SucceededTickets succeeded)
    : TicketReader<TicketSummary>(SelectSql, database, metrics, progress, logger, maxBatch: 500, capacity: 20_000)
{
    // How long a ticket has just come.
    private static readonly TimeSpan _young = TimeSpan.FromMilliseconds(100);

    // What a question about a young ticket may wait for the answer. Other replicas tell of those that they end; if that goes lost, the
    // question is answered that much later.
    private static readonly TimeSpan _moment = TimeSpan.FromMilliseconds(25);

    private const string SelectSql =
        """
        select ticket_id, user_id, status::text, response, extract(epoch from now() - time_created)::float8
        from tickets where ticket_id = any($1)
        """;

    /// <summary>Finds a ticket. A question that comes just before the answer gets it: one about a young ticket waits up to 25 ms.</summary>
    /// <returns>Null without one of that id.</returns>
    /// <exception cref="OverloadedException">Too many large tickets are asked for at once.</exception>
    public async ValueTask<TicketSummary?> FindAsync(Guid ticketId) =>
        succeeded.Find(ticketId)
            ?? (IsYoung(ticketId, DateTimeOffset.UtcNow) ? await succeeded.FindSoonAsync(ticketId, _moment) : null)
            ?? (await SubmitAsync(ticketId)).Available;

    /// <summary>Whether the ticket was created in the last tenth of a second, by what its id says.</summary>
    public static bool IsYoung(Guid ticketId, DateTimeOffset now) =>
        // Ids tell whole milliseconds, and clocks of replicas differ a little, so that one may be of the next tenth.
        ticketId > TicketIds.FirstAt((now - _young).AddMilliseconds(1)) && ticketId < TicketIds.FirstAt(now + _young);

    protected override TicketSummary Read(NpgsqlDataReader reader)
    {
        var ticket = TicketSummary.Read(reader, age: 4);
        succeeded.Add(ticket);
        return ticket;
    }
}
