using Microsoft.Extensions.Options;
using Npgsql;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Storage;

/// <summary>What became of a request to delete a ticket.</summary>
internal enum Deletion
{
    Deleted,
    NotFinished,
    NoSuchTicket,
}

/// <summary>A page of the walk over old tickets.</summary>
/// <param name="Purged">How many of it were removed.</param>
/// <param name="Last">The last id of the page; null where the walk has come to its end.</param>
internal readonly record struct PurgedPage(int Purged, Guid? Last);

/// <summary>Removes tickets. What belongs to one (attempts, progress, deliveries, keys) follows by a trigger.</summary>
internal sealed class PurgeStore(NpgsqlDataSource database, IOptions<RetentionOptions> options)
{
    // Any number will do, so long as nothing else in the database takes the same one.
    private const long LockKey = 0x7075726765; // "purge"

    // Ids are UUIDs of version 7, so the primary key is in the order of creation, and no index over finished tickets is needed:
    // what ended long ago was created before that. Ids of the original are random: those greater than any of today are
    // walked over as well ($3), and those in between as time goes by. One replica at a time, whichever comes first.
    private const string PageSql =
        """
        with ids as (
            select lpad(to_hex((extract(epoch from now() - $2) * 1000)::bigint), 12, '0') as old,
                lpad(to_hex((extract(epoch from now() + interval '1 day') * 1000)::bigint), 12, '0') as new,
                repeat('0', 20) as zeros),
        page as materialized (
            select t.ticket_id from tickets t
            where t.ticket_id > greatest($1, (select case when $3 then (new || zeros)::uuid end from ids))
                and t.ticket_id < (select case when $3 then repeat('f', 32) else old || zeros end::uuid from ids)
                and (select pg_try_advisory_xact_lock($5))
            order by t.ticket_id limit $4),
        old as (
            select t.ticket_id from page join tickets t on t.ticket_id = page.ticket_id
            where t.time_finished < now() - $2 and not t.report_pending order by t.ticket_id for update of t skip locked),
        purged as (delete from tickets t using old where t.ticket_id = old.ticket_id returning 1)
        select (select count(*) from purged)::int, (select ticket_id from page order by ticket_id desc limit 1)
        """;

    private const string DeleteSql = "delete from tickets where ticket_id = $1 and time_finished is not null";

    private const string ExistsSql = "select from tickets where ticket_id = $1";

    /// <summary>Removes what is too old of the next page of tickets.</summary>
    /// <param name="after">Where the page before ended.</param>
    /// <param name="beyondNow">Whether ids are walked over that no ticket of today has.</param>
    /// <param name="page">How many tickets it has at most.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<PurgedPage> PurgeAsync(Guid after, bool beyondNow, int page, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            PageSql, Value(after), Value(options.Value.FinishedFor), Value(beyondNow), Value(page), Value(LockKey));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new(reader.GetInt32(0), reader.IsDBNull(1) ? null : reader.GetGuid(1));
    }

    /// <summary>Removes a finished ticket now.</summary>
    public async Task<Deletion> DeleteAsync(Guid ticketId, CancellationToken cancellationToken)
    {
        await using var delete = database.CreateCommand(DeleteSql, Value(ticketId));
        if (await delete.ExecuteNonQueryAsync(cancellationToken) > 0)
        {
            return Deletion.Deleted;
        }

        await using var exists = database.CreateCommand(ExistsSql, Value(ticketId));
        await using var reader = await exists.ExecuteReaderAsync(cancellationToken);
        return reader.HasRows ? Deletion.NotFinished : Deletion.NoSuchTicket;
    }
}
