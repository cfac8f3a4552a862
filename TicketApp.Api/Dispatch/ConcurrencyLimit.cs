using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Auth;
using TicketApp.Api.Storage;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Dispatch;

/// <summary>
/// How many tickets of one user may be dispatched or run at once, over all models and replicas, and who has as many. The dispatch keeps it.
/// </summary>
internal sealed class ConcurrencyLimit(NpgsqlDataSource database, IOptions<LimitOptions> options) : IDisposable
{
    // Reads the tickets in flight, which the dispatch windows bound, in the order of the index that holds them by user.
    private const string ReachedSql =
        "select user_id from tickets where status in ('dispatched', 'running', 'canceling') group by user_id having count(*) >= $1";

    private readonly CachedQuery<HashSet<Guid>> _reached = new(token => QueryAsync(database, options.Value.MaxConcurrentPerUser, token));

    public bool IsOn => options.Value.MaxConcurrentPerUser > 0;

    /// <summary>Whether the user has as many as one may; from a query that all who ask share.</summary>
    public async ValueTask<bool> IsReachedAsync(Guid userId, CancellationToken cancellationToken) =>
        IsOn && (await _reached.GetAsync(cancellationToken)).Contains(userId);

    public void Dispose() => _reached.Dispose();

    private static async Task<HashSet<Guid>> QueryAsync(NpgsqlDataSource database, int most, CancellationToken cancellationToken)
    {
        HashSet<Guid> reached = [];
        await using var command = database.CreateCommand(ReachedSql, Value(most));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            reached.Add(reader.GetGuid(0));
        }

        return reached;
    }
}

/// <summary>
/// The statements that dispatch tickets where the running tickets of each user are limited; in one transaction, in this order.
/// </summary>
internal static class LimitedDispatch
{
    // Any number will do, so long as nothing else in the database takes the same one.
    private const long LockKey = 0x72756e6e696e67; // "running"

    /// <summary>
    /// Two dispatches at a time, of different models or with a new ticket between them, would each count without the other's. As a
    /// statement of its own: <see cref="DispatchSql"/> then sees what was committed while this one waited.
    /// </summary>
    public static readonly string LockSql = $"select pg_advisory_xact_lock({LockKey})";

    // Goes from flow to flow by the first entry of each in tickets_flow_ix, leaves out the users who have no place, and only then looks
    // at tickets: a user at the limit costs two look-ups however many tickets wait, and hides nobody's. A user has three flows at most, so
    // that three heads for each ticket, and for each that is left out, are of enough users. No ticket behind the last of these heads can be
    // among the first, which bounds what a large limit has to sort. What is left out takes no place: the rest of its user's would wait.
    private const string Picked =
        $"""
        with recursive flows (user_id, priority, queue_key) as (
            (select user_id, priority, queue_key from tickets where status = 'queued' and model = $3
                order by user_id, priority, queue_key limit 1)
            union all
            select next.user_id, next.priority, next.queue_key from flows f cross join lateral (
                select t.user_id, t.priority, t.queue_key from tickets t
                where t.status = 'queued' and t.model = $3 and (t.user_id, t.priority) > (f.user_id, f.priority)
                order by t.user_id, t.priority, t.queue_key limit 1) next),
        heads as materialized (
            select f.user_id, f.priority, f.queue_key, u.places from flows f cross join lateral (
                select $4 - count(*) as places from (
                    select from tickets t where t.status in ('dispatched', 'running', 'canceling')
                        and t.user_id = f.user_id limit $4) in_flight) u
            where u.places > 0 and f.{DispatchStore.NotErased} order by f.queue_key limit 3 * ($1 + cardinality($5))),
        candidates as (
            select c.ticket_id, c.queue_key, h.places, row_number() over (partition by h.user_id order by c.queue_key, c.ticket_id) as place
            from heads h cross join lateral (
                select t.ticket_id, t.queue_key from tickets t
                where t.status = 'queued' and t.model = $3 and t.user_id = h.user_id and t.priority = h.priority
                    and t.ticket_id <> all ($5)
                    and t.queue_key <= (select case when count(*) < 3 * ($1 + cardinality($5)) then 9223372036854775807
                        else max(queue_key) end from heads)
                order by t.queue_key limit least(h.places, $1)) c),
        picked as (
            select t.ticket_id from candidates c join tickets t on t.ticket_id = c.ticket_id
            where c.place <= c.places and t.status = 'queued'
            order by c.queue_key, c.ticket_id limit $1 for update of t skip locked)
        """;

    /// <summary>The ticket that <see cref="DispatchSql"/> would take first; its parameters, of which $1 is 1.</summary>
    public const string FirstSql = $"{Picked} select ticket_id from picked";

    /// <summary>
    /// $1: the most tickets; $2: lease; $3: model; $4: the most in flight of one user; $5: tickets to leave out.
    /// </summary>
    public const string DispatchSql =
        $"""
        {Picked},
        dispatched as (
            update tickets t set status = 'dispatched', attempt = t.attempt + 1, epoch = t.epoch + 1, lease_expires = now() + $2,
                time_started = null, worker = null
            from picked where t.ticket_id = picked.ticket_id
            returning t.ticket_id, t.user_id, t.model, t.input, t.attempt, t.epoch,
                t.expires_at, t.queue_key, coalesce(t.execution_timeout_s, 0), t.trace_parent, t.input_json),
        reached as (
            insert into dispatch_virtual_time (model, queue_key) select $3, max(queue_key) from dispatched having count(*) > 0
            on conflict on constraint dispatch_virtual_time_pk do update
                set queue_key = greatest(dispatch_virtual_time.queue_key, excluded.queue_key))
        select * from dispatched
        """;
}
