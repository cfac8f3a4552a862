using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Tickets;

namespace TicketApp.Api.Limits;

/// <summary>
/// Keeps each user's open tickets within a number, over all replicas. While a batch of new tickets is counted and stored, its
/// users are locked against the batches of other replicas. The count reads those users' parts of two indexes, up to the number.
/// </summary>
internal sealed class OpenTicketLimit(NpgsqlDataSource database, IOptions<LimitOptions> options)
{
    // Any number will do, so long as nothing else in the database takes the same one.
    private const int LockSpace = 0x6f70656e; // "open"

    // In one order, so that two batches never wait for each other.
    private const string LockSql =
        "select pg_advisory_xact_lock($2, key) from (select distinct hashtext(id::text) as key from unnest($1) id order by key) keys";

    private const string CountSql =
        """
        select u.id, (
            (select count(*) from (select from tickets t where t.status in ('queued', 'waiting') and t.user_id = u.id limit $2) waiting)
            + (select count(*) from (select from tickets t where t.status in ('released', 'running', 'canceling') and t.user_id = u.id limit $2) leased))::int
        from unnest($1) u (id)
        """;

    public bool IsOn => options.Value.OpenTickets > 0;

    /// <summary>Decides which of the tickets that are to be opened are within the limit. Until the answer is disposed of, no other replica stores tickets of these users.</summary>
    public async Task<Admission> AdmitAsync(IReadOnlyList<NewTicket> batch)
    {
        var connection = await database.OpenConnectionAsync();
        try
        {
            var transaction = await connection.BeginTransactionAsync();
            var counts = await CountAsync(connection, [.. batch.Select(ticket => ticket.UserId).Distinct()]);
            HashSet<Guid> admitted = new(batch.Count);
            foreach (var ticket in batch)
            {
                if (counts[ticket.UserId] < options.Value.OpenTickets)
                {
                    counts[ticket.UserId]++;
                    admitted.Add(ticket.TicketId);
                }
            }

            return new(connection, transaction, admitted);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private async Task<Dictionary<Guid, int>> CountAsync(NpgsqlConnection connection, Guid[] users)
    {
        Dictionary<Guid, int> counts = new(users.Length);
        // Two statements: the second one sees what was committed while the first one waited.
        await using NpgsqlBatch batch = new(connection)
        {
            BatchCommands =
            {
                new(LockSql) { Parameters = { new NpgsqlParameter<Guid[]> { TypedValue = users }, new NpgsqlParameter<int> { TypedValue = LockSpace } } },
                new(CountSql) { Parameters = { new NpgsqlParameter<Guid[]> { TypedValue = users }, new NpgsqlParameter<int> { TypedValue = options.Value.OpenTickets } } },
            },
        };
        await using var reader = await batch.ExecuteReaderAsync();
        await reader.NextResultAsync();
        while (await reader.ReadAsync())
        {
            counts[reader.GetGuid(0)] = reader.GetInt32(1);
        }

        return counts;
    }
}

/// <summary>Which tickets of a batch may be stored, and the lock under which that is true.</summary>
internal sealed class Admission(NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlySet<Guid> admitted) : IAsyncDisposable
{
    public bool Admits(Guid ticketId) => admitted.Contains(ticketId);

    public async ValueTask DisposeAsync()
    {
        await transaction.DisposeAsync();
        await connection.DisposeAsync();
    }
}
