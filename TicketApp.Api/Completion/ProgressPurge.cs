using Npgsql;
using TicketApp.Api.Storage;
using TicketApp.ServiceDefaults;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Completion;

/// <summary>
/// Removes the progress of runs that ended minutes ago: a walk by the primary key, a page each round. Of a ticket that has not ended, that
/// of earlier epochs goes too, or a worker that returns it again and again would leave ever more.
/// </summary>
internal sealed class ProgressPurge(
    ProgressStore store, DatabaseMigrator migrator, LoopProgress progress, ILogger<ProgressPurge> logger)
    : PurgeLoop("removal of progress", TimeSpan.FromMinutes(1), migrator, progress, logger)
{
    private ProgressKey _after;

    protected override async Task<bool> PurgeAsync(int part, CancellationToken stoppingToken)
    {
        var last = await store.PurgeAsync(_after, part, stoppingToken);
        _after = last ?? default;
        return last is not null;
    }
}

/// <summary>Where a walk over progress stands.</summary>
internal readonly record struct ProgressKey(Guid TicketId, int Epoch, int Sequence);

/// <summary>The removal's statement.</summary>
internal sealed class ProgressStore(NpgsqlDataSource database)
{
    // Most of a page may be of runs that continue: what is read is bounded as well as what is removed.
    private const string PurgeSql =
        """
        with page as materialized (
            select ticket_id, epoch, seq, time_reported from ticket_progress where (ticket_id, epoch, seq) > ($1, $2, $3)
            order by ticket_id, epoch, seq limit $4),
        old as (
            select p.ticket_id, p.epoch, p.seq from page
            left join tickets t on t.ticket_id = page.ticket_id
            join ticket_progress p on p.ticket_id = page.ticket_id and p.epoch = page.epoch and p.seq = page.seq
            where t.ticket_id is null or t.time_finished < now() - interval '5 minutes'
                or (t.epoch > page.epoch and page.time_reported < now() - interval '5 minutes')
            order by p.ticket_id, p.epoch, p.seq for update of p skip locked),
        purged as (
            delete from ticket_progress p using old where p.ticket_id = old.ticket_id and p.epoch = old.epoch and p.seq = old.seq)
        select ticket_id, epoch, seq from page order by ticket_id desc, epoch desc, seq desc limit 1
        """;

    /// <summary>Removes what is too old of the page of <paramref name="most"/> rows after <paramref name="after"/>.</summary>
    /// <returns>The last row of the page; null at the end.</returns>
    public async Task<ProgressKey?> PurgeAsync(ProgressKey after, int most, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            PurgeSql, Value(after.TicketId), Value(after.Epoch), Value(after.Sequence), Value(most));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? new(reader.GetGuid(0), reader.GetInt32(1), reader.GetInt32(2)) : null;
    }
}
