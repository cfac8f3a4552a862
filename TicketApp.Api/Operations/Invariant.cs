using Npgsql;

namespace TicketApp.Api.Operations;

/// <summary>Something that is never there while an Api runs and reaches database and broker.</summary>
/// <param name="Name">A stable word.</param>
/// <param name="Description">What a count above 0 means.</param>
/// <param name="Sql">Selects a row for each thing that breaks it.</param>
internal sealed record Invariant(string Name, string Description, string Sql)
{
    // The youngest tickets by their key; all that ever were would take too long.
    private const string Latest = "(select * from tickets order by ticket_id desc limit 10000)";

    /// <summary>All of them. Each reads the open tickets or the latest 10,000, by an index: never all that are stored.</summary>
    public static IReadOnlyList<Invariant> All { get; } =
    [
        new(
            "stranded",
            "Open tickets that have neither a place in the backlog, nor a lease, "
                + "nor a next attempt to wait for: nothing would ever move them.",
            """
            select from tickets where time_finished is null and not case status::text
                when 'queued' then queue_key is not null and lease_expires is null
                when 'retryable' then lease_expires is null and due_at is not null
                else lease_expires is not null end
            """),
        new(
            "leased_for_ever",
            "Tickets handed out without an end of their lease: a lost worker would keep them.",
            "select from tickets where status in ('dispatched', 'running') and lease_expires is null"),
        new(
            "lease_ended",
            "Tickets whose lease ended more than 60 s ago and that were not returned: no API rescues them, or reports do not come through.",
            "select from tickets where status in ('dispatched', 'running') and lease_expires < now() - interval '60 s'"),
        new(
            "overdue",
            "Open tickets whose limit or pause passed more than 30 s ago: no replica of the API rescues them.",
            "select from tickets where time_finished is null and due_at < now() - interval '30 s'"),
        new(
            "finished_without_end",
            "Tickets in a final state without the time of their end.",
            "select from tickets where time_finished is null and is_finished(status)"),
        new(
            "end_without_state",
            "Of the latest 10,000, tickets with the time of an end that are in no final state.",
            $"select from {Latest} t where time_finished is not null and not is_finished(status)"),
        new(
            "ended_before_created",
            "Of the latest 10,000, tickets that ended before they were created.",
            $"select from {Latest} t where time_finished < time_created"),
        new(
            "succeeded_too_late",
            "Of the latest 10,000, tickets that succeeded after their deadline.",
            $"select from {Latest} t where status = 'succeeded' and time_finished > expires_at"),
        new(
            "end_changed",
            "Of the latest 10,000, tickets of which an attempt was recorded after their end, "
                + "or that succeeded in an attempt that had failed: the end was not final.",
            $"""
            select from {Latest} t join ticket_attempts a on a.ticket_id = t.ticket_id
            where a.outcome not in ('late', 'redelivered')
                and (a.epoch = t.epoch and t.status = 'succeeded' or a.time_ended > t.time_finished + interval '10 s')
            """),
        new(
            "response_without_success",
            "Of the latest 10,000, tickets with a response that did not succeed.",
            $"select from {Latest} t where status <> 'succeeded' and response is not null"),
        new(
            "report_pending",
            "Ended tickets whose message to the queue errors is not sent 60 s later: the broker takes none, or no Api runs.",
            "select from tickets where report_pending and time_finished < now() - interval '60 s'"),
        new(
            "erased_with_data",
            "Of the latest 1,000 erased users, those that have a ticket, a key or a secret again.",
            """
            select from (
                select user_id from erasures where time_completed is not null order by time_completed desc limit 1000) e
            where exists (select from tickets t where t.user_id = e.user_id and t.status in ('dispatched', 'running', 'canceling'))
                or exists (select from tickets t where t.user_id = e.user_id and t.status in ('queued', 'retryable'))
                or exists (select from tickets t where t.user_id = e.user_id and t.time_finished is not null)
                or exists (select from api_keys k where k.user_id = e.user_id)
                or exists (select from webhook_secrets s where s.user_id = e.user_id)
            """),
        new(
            "guard_missing",
            "Constraints and triggers of the table tickets that are gone or switched off: nothing but the code keeps ends final, "
                + "and what belongs to removed tickets stays.",
            """
            select from (values ('tickets_finished_ck'), ('tickets_leased_ck'), ('tickets_queued_ck')) guard (name)
            where not exists (
                select from pg_constraint c
                where c.conrelid = 'tickets'::regclass and c.conname = guard.name and c.convalidated)
            union all
            select from (values ('tickets_finished_is_final'), ('tickets_removed')) guard (name)
            where not exists (
                select from pg_trigger t
                where t.tgrelid = 'tickets'::regclass and t.tgname = guard.name and t.tgenabled in ('O', 'A'))
            """),
    ];
}

/// <summary>What a check of an invariant found.</summary>
/// <param name="Name">A stable word.</param>
/// <param name="Count">How many things break it: 0 if all is well. Counted up to 1,000.</param>
/// <param name="Description">What a count above 0 means.</param>
public sealed record InvariantCount(string Name, int Count, string Description);

/// <summary>What a check of all invariants found.</summary>
/// <param name="Ok">Whether all counts are 0.</param>
/// <param name="Results">One for each invariant.</param>
public sealed record InvariantCounts(bool Ok, IReadOnlyList<InvariantCount> Results);

/// <summary>Looks whether what must never be is there.</summary>
internal sealed class InvariantStore(NpgsqlDataSource database)
{
    private const int MaxCounted = 1000;

    private static readonly string _sql = string.Join(
        "\nunion all\n",
        Invariant.All.Select((invariant, place) =>
            $"select {place}, count(*)::int from (select from ({invariant.Sql}) broken limit {MaxCounted}) counted"));

    /// <summary>Counts what breaks each invariant, all at one moment.</summary>
    public async Task<InvariantCounts> CountAsync(CancellationToken cancellationToken)
    {
        var counts = new int[Invariant.All.Count];
        await using var command = database.CreateCommand(_sql);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            counts[reader.GetInt32(0)] = reader.GetInt32(1);
        }

        return new(
            counts.All(count => count == 0),
            [.. Invariant.All.Zip(counts, (invariant, count) => new InvariantCount(invariant.Name, count, invariant.Description))]);
    }
}
