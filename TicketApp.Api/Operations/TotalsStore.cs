using Npgsql;
using TicketApp.Api.Storage;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Operations;

/// <summary>Counts ends on from the log: each once, whichever replica counts and whenever it stops.</summary>
internal sealed class TotalsStore(NpgsqlDataSource database)
{
    // Whole transactions only and at least one, up to the horizon below which nothing can be added, and a bounded number of tickets.
    // Replicas that come at the same time find the one row locked and leave it to the first. "limit 1" tells the planner that there is
    // only one: for the two thousand that it would expect, it would read all that is stored once instead.
    private const string CountSql =
        """
        with position as (select counted_to from ticket_totals_position limit 1 for update skip locked),
        reach as (
            select p.counted_to, greatest(p.counted_to, coalesce(
                (select finished_xid from tickets
                    where finished_xid > p.counted_to and finished_xid < h.horizon order by finished_xid limit 1),
                h.horizon), coalesce(
                (select finished_xid from tickets
                    where finished_xid >= p.counted_to and finished_xid < h.horizon
                    order by finished_xid, ticket_id offset 20000 limit 1),
                h.horizon)) as bound
            from position p cross join (select pg_snapshot_xmin(pg_current_snapshot()) as horizon) h),
        ended as (
            select t.model, t.status, count(*) as ended
            from reach r join tickets t on t.finished_xid >= r.counted_to and t.finished_xid < r.bound group by t.model, t.status),
        moved as (update ticket_totals_position p set counted_to = r.bound from reach r where p.only_row and p.counted_to < r.bound),
        added as (
            insert into ticket_totals (model, status, ended) select model, status, ended from ended order by model, status
            on conflict on constraint ticket_totals_pk do update set ended = ticket_totals.ended + excluded.ended)
        select coalesce(sum(ended), 0)::bigint from ended
        """;

    /// <summary>The most tickets that one call counts, about.</summary>
    public const int MaxCount = 20_000;

    /// <summary>Counts what has ended since the last count.</summary>
    /// <returns>How many tickets.</returns>
    public async Task<long> CountAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(CountSql);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}

/// <summary>Keeps the totals up to date. Every replica tries, one at a time counts.</summary>
internal sealed class TotalsCounter(TotalsStore store, DatabaseMigrator migrator, LoopProgress progress, ILogger<TotalsCounter> logger)
    : DatabaseLoop("counting of ends", migrator, progress, logger)
{
    private bool _isBehind;

    protected override TimeSpan PollInterval => _isBehind ? TimeSpan.Zero : TimeSpan.FromSeconds(2);

    // A part a round, so that catching up with millions does not look like a loop that hangs.
    protected override async Task WorkAsync(CancellationToken stoppingToken) =>
        _isBehind = await store.CountAsync(stoppingToken) >= TotalsStore.MaxCount / 2;
}
