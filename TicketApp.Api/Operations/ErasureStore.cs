using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Dispatch;
using TicketApp.Messaging;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Operations;

/// <summary>The statements that erase a user: the row is marked at once, all else is removed in parts.</summary>
internal sealed partial class ErasureStore(
    NpgsqlDataSource database, OpenTicketLimit limit, IOptions<DispatchOptions> dispatch, ILogger<ErasureStore> logger)
{
    /// <summary>A statement that began before the user was marked has ended by then, whatever it stores.</summary>
    public static readonly TimeSpan Quiet = TimeSpan.FromSeconds(12);

    // One who signed up and never came back is a user for this.
    private const string SignedUpSql =
        """
        with signed_up as (delete from sign_ups where user_id = $1 returning user_id, time_created)
        insert into users (user_id, time_created) select user_id, time_created from signed_up
        """;

    private const string LockSql = "select from users where user_id = $1 for update";

    // There are few keys in force; those that were revoked, and all else, go in parts.
    private const string MarkSql =
        """
        with marked as (update users set time_erased = now() where user_id = $1 and time_erased is null returning user_id),
        noted as (insert into erasures (erasure_id, user_id, quiet_at, next_at) select $2, user_id, now() + $3, '-infinity' from marked),
        gone as (delete from webhook_secrets s using marked m where s.user_id = m.user_id)
        update api_keys k set time_revoked = now() from marked m where k.user_id = m.user_id and k.time_revoked is null returning k.prefix
        """;

    private const string Columns = "erasure_id, user_id, time_requested, time_completed, tickets";

    private const string FindSql = $"select {Columns} from erasures where erasure_id = $1";

    private const string OfUserSql = $"select {Columns} from erasures where user_id = $1";

    // Users take turns, a part each. Of tickets that have ended, those first whose end is counted in the totals: two seconds later at
    // most, unless a transaction somewhere lasts longer, which is waited for no longer than all the rest.
    private const string RemoveSql =
        """
        with mine as materialized (
            select user_id, quiet_at from erasures where time_completed is null and next_at <= now()
            order by next_at limit 1 for update skip locked),
        found as materialized (
            select t.ticket_id from mine m cross join lateral (
                (select t.ticket_id from tickets t where t.user_id = m.user_id and t.status in ('dispatched', 'running', 'canceling')
                    order by t.ticket_id limit $1)
                union all
                (select t.ticket_id from tickets t where t.user_id = m.user_id and t.status in ('queued', 'retryable')
                    order by t.ticket_id limit $1)
                union all
                (select t.ticket_id from tickets t where t.user_id = m.user_id and t.time_finished is not null
                    order by t.ticket_id limit $1)) t
            limit $1),
        chosen as (
            select t.ticket_id from mine m cross join found f join tickets t on t.ticket_id = f.ticket_id
            where t.time_finished is null or t.finished_xid is null or m.quiet_at <= now()
                or t.finished_xid < (select counted_to from ticket_totals_position)
            order by t.ticket_id for update of t skip locked),
        removed as (
            delete from tickets t using chosen c where t.ticket_id = c.ticket_id
            returning t.ticket_id, t.epoch, t.model, t.time_finished is null as open, t.lease_expires is not null as leased),
        keys as (
            delete from api_keys where prefix = any(array(
                select k.prefix from mine m join api_keys k on k.user_id = m.user_id limit $1))),
        endpoints as (
            delete from webhook_endpoints_off o using (
                select o.user_id, o.url from mine m join webhook_endpoints_off o on o.user_id = m.user_id limit $1) c
            where o.user_id = c.user_id and o.url = c.url),
        noted as (
            update erasures e set tickets = e.tickets + r.tickets,
                quiet_at = case when r.leased then greatest(e.quiet_at, now() + $2) else e.quiet_at end,
                next_at = case when r.tickets > 0 then now() else now() + interval '1 s' end
            from mine m cross join (select count(*) as tickets, coalesce(bool_or(leased), false) as leased from removed) r
            where e.user_id = m.user_id)
        select r.ticket_id, r.epoch, r.model, r.open, r.leased from mine m left join removed r on true
        """;

    // Looked up for each erasure, since no more than one row is asked for: as "not exists" they would be a join, for which the server may
    // read all tickets that are stored once.
    private const string ReadySql =
        """
        select e.user_id from erasures e
        where e.time_completed is null and e.quiet_at <= now()
            and (select t.ticket_id from tickets t
                where t.user_id = e.user_id and t.status in ('dispatched', 'running', 'canceling') limit 1) is null
            and (select t.ticket_id from tickets t where t.user_id = e.user_id and t.status in ('queued', 'retryable') limit 1) is null
            and (select t.ticket_id from tickets t where t.user_id = e.user_id and t.time_finished is not null limit 1) is null
            and not exists (select from api_keys k where k.user_id = e.user_id)
            and not exists (select from webhook_endpoints_off o where o.user_id = e.user_id)
        order by e.time_requested limit $1
        """;

    // A delivery that was in progress may have made a secret.
    private const string CompleteSql =
        $"""
        with gone as (delete from webhook_secrets where user_id = any($1))
        update erasures set time_completed = clock_timestamp() where user_id = any($1) and time_completed is null
        returning {Columns}
        """;

    /// <summary>Takes nothing more for the user from now on, and has all that is there removed; again does no harm.</summary>
    /// <returns>How far it is, and the keys that are revoked now; null if there is no such user.</returns>
    public async Task<(Erasure Erasure, IReadOnlyList<string> RevokedKeys)?> BeginAsync(Guid userId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (limit.IsOn)
        {
            // Who stores a ticket of this user holds it to the end of the transaction, and takes it before looking whether there is one.
            await limit.LockAsync(connection, [userId]);
        }

        await using (var signedUp = connection.CreateCommand(SignedUpSql, Value(userId)))
        {
            await signedUp.ExecuteNonQueryAsync(cancellationToken);
        }

        await using (var user = connection.CreateCommand(LockSql, Value(userId)))
        await using (var reader = await user.ExecuteReaderAsync(cancellationToken))
        {
            if (!reader.HasRows)
            {
                return null;
            }
        }

        List<string> keys = [];
        await using (var mark = connection.CreateCommand(MarkSql, Value(userId), Value(Guid.NewGuid()), Value(Quiet)))
        await using (var reader = await mark.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                keys.Add(reader.GetString(0));
            }
        }

        await using var find = connection.CreateCommand(OfUserSql, Value(userId));
        var erasure = (await ReadAsync(find, cancellationToken)).Single();
        await transaction.CommitAsync(cancellationToken);
        Log.Requested(logger, userId, erasure.Status);
        return (erasure, keys);
    }

    /// <summary>How far an erasure is; null for an unknown id.</summary>
    public async Task<Erasure?> FindAsync(Guid erasureId, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(FindSql, Value(erasureId));
        return (await ReadAsync(command, cancellationToken)).SingleOrDefault();
    }

    /// <summary>Removes up to <paramref name="part"/> tickets of the user whose turn it is, with all that belongs to them.</summary>
    /// <returns>The tickets that are gone; null if it is nobody's turn.</returns>
    public async Task<IReadOnlyList<RemovedTicket>?> RemoveAsync(int part, CancellationToken cancellationToken)
    {
        List<RemovedTicket>? removed = null;
        await using var command = database.CreateCommand(RemoveSql, Value(part), Value(dispatch.Value.LeaseDuration));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            removed ??= [];
            if (!reader.IsDBNull(0))
            {
                RunReference run = new(reader.GetGuid(0), reader.GetInt32(1));
                removed.Add(new(run, reader.GetString(2), IsOpen: reader.GetBoolean(3), IsLeased: reader.GetBoolean(4)));
            }
        }

        return removed;
    }

    /// <summary>The users of whom nothing is left in the database, up to <paramref name="most"/>.</summary>
    public static async Task<IReadOnlyList<Guid>> ReadyAsync(NpgsqlConnection connection, int most, CancellationToken cancellationToken)
    {
        List<Guid> users = [];
        await using var command = connection.CreateCommand(ReadySql, Value(most));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            users.Add(reader.GetGuid(0));
        }

        return users;
    }

    /// <summary>Notes that nothing is left of these users anywhere.</summary>
    public static async Task<IReadOnlyList<Erasure>> CompleteAsync(
        NpgsqlConnection connection, IEnumerable<Guid> users, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand(CompleteSql, Value(users.ToArray()));
        return await ReadAsync(command, cancellationToken);
    }

    private static async Task<List<Erasure>> ReadAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        List<Erasure> erasures = [];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            DateTime? completed = reader.Time(3);
            erasures.Add(new(
                reader.GetGuid(0), reader.GetGuid(1), completed is null ? "erasing" : "erased",
                reader.GetDateTime(2), completed, reader.GetInt64(4)));
        }

        return erasures;
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "The erasure of user {UserId} was requested: it is {Status}")]
        public static partial void Requested(ILogger logger, Guid userId, string status);
    }
}

/// <summary>A ticket that was removed with its user.</summary>
/// <param name="Run">It, and its last dispatch.</param>
/// <param name="Model">Its model.</param>
/// <param name="IsOpen">Whether it had not ended.</param>
/// <param name="IsLeased">Whether it was on its way to a worker, or ran.</param>
internal readonly record struct RemovedTicket(RunReference Run, string Model, bool IsOpen, bool IsLeased);

/// <summary>The erasure of a user.</summary>
/// <param name="Id">What its state is read by, by anyone who has it: the user's keys are gone.</param>
/// <param name="UserId">The user.</param>
/// <param name="Status"><c>erasing</c> or <c>erased</c>.</param>
/// <param name="RequestedAt">Since when nothing is taken for the user.</param>
/// <param name="CompletedAt">Since when nothing is left; null before.</param>
/// <param name="TicketsRemoved">How many tickets are gone so far.</param>
public sealed record Erasure(
    Guid Id,
    Guid UserId,
    [property: AllowedValues("erasing", "erased")] string Status,
    DateTime RequestedAt,
    DateTime? CompletedAt,
    [property: Range(0, long.MaxValue)] long TicketsRemoved);
