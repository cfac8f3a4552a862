using System.Diagnostics;
using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Auth;
using TicketApp.Api.Storage;
using TicketApp.ServiceDefaults;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Dispatch;

/// <summary>
/// Keeps each user's open tickets within a number, over all replicas. From the count of a batch's users to the end of the transaction that
/// opens their tickets, they are locked against the batches of other replicas. The count reads those users' parts of two indexes, up to the
/// number.
/// </summary>
internal sealed class OpenTicketLimit(IOptions<LimitOptions> options)
{
    // Any number will do, so long as nothing else in the database takes the same one.
    private const int LockSpace = 0x6f70656e; // "open"

    // In one order, so that two batches never wait for each other.
    private const string LockSql =
        "select pg_advisory_xact_lock($2, key) from (select distinct hashtext(id::text) as key from unnest($1) id order by key) keys";

    private const string CountSql =
        """
        select u.id, (
            (select count(*) from (select from tickets t where t.status in ('queued', 'retryable') and t.user_id = u.id limit $2) queued)
            + (select count(*) from (
                select from tickets t where t.status in ('dispatched', 'running', 'canceling') and t.user_id = u.id limit $2) leased))::int
        from unnest($1) u (id)
        """;

    public bool IsOn => options.Value.MaxOpenPerUser > 0;

    /// <summary>
    /// Counts how many more tickets the users may open, and keeps that theirs until the transaction of <paramref name="connection"/> ends,
    /// in which their tickets must be opened.
    /// </summary>
    public async Task<UserAllowance> LockAsync(NpgsqlConnection connection, IEnumerable<Guid> userIds)
    {
        Guid[] users = [.. userIds.Distinct()];
        Dictionary<Guid, int> remaining = new(users.Length);
        // Two statements: the second one sees what was committed while the first one waited.
        await using NpgsqlBatch batch = new(connection);
        batch.Add(LockSql, Value(users), Value(LockSpace));
        batch.Add(CountSql, Value(users), Value(options.Value.MaxOpenPerUser));
        await using var reader = await batch.ExecuteReaderAsync();
        await reader.NextResultAsync();
        while (await reader.ReadAsync())
        {
            remaining[reader.GetGuid(0)] = options.Value.MaxOpenPerUser - reader.GetInt32(1);
        }

        return new(remaining);
    }
}

/// <summary>How many more tickets users may open.</summary>
internal sealed class UserAllowance(Dictionary<Guid, int> remaining)
{
    /// <summary>Takes one ticket of the user's allowance.</summary>
    /// <returns>False if nothing is left of it.</returns>
    public bool TryTake(Guid userId) => remaining[userId]-- > 0;
}

/// <summary>
/// About how many tickets are open: counted in the database now and then, kept up in between by what this replica
/// stores and sees end. Counting at each request would cost in proportion to the backlog.
/// </summary>
internal sealed class OpenTickets
{
    private long _estimate;

    /// <summary>The estimate; at other replicas' work it is late by as long as counts are apart.</summary>
    public long Estimate => Interlocked.Read(ref _estimate);

    public void Add(int change) => Interlocked.Add(ref _estimate, change);

    public void Counted(long count) => Interlocked.Exchange(ref _estimate, count);
}

/// <summary>Counts them. By itself: a count that takes long, or fails, keeps nobody from dispatching.</summary>
internal sealed class OpenTicketCounter(
    DispatchStore store, OpenTickets open, DatabaseMigrator migrator, LoopProgress progress, ILogger<OpenTicketCounter> logger)
    : DatabaseLoop("count of open tickets", migrator, progress, logger)
{
    private static readonly TimeSpan _countEvery = TimeSpan.FromSeconds(5);

    private TimeSpan _pause;

    // Each try may take as long as a statement may.
    protected override TimeSpan MaxPause => TimeSpan.FromMinutes(1);

    protected override TimeSpan PollInterval => _pause;

    protected override async Task WorkAsync(CancellationToken stoppingToken)
    {
        var started = Stopwatch.GetTimestamp();
        open.Counted(await store.CountOpenAsync(stoppingToken));
        // A count of millions takes a second: then it comes less often, and takes a hundredth of one core at most.
        _pause = TimeSpan.FromTicks(Math.Max(_countEvery.Ticks, 100 * Stopwatch.GetElapsedTime(started).Ticks));
    }
}
