using Npgsql;
using TicketApp.Api.Storage;
using TicketApp.Messaging;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Limits;

/// <summary>What the real statements dispatch where the running tickets of each user are limited.</summary>
[Collection(DatabaseCollection.Name)]
public sealed class ConcurrencyLimitTests(DatabaseServer server)
{
    private const int Limit = 2;

    private const string WaitingSql =
        """
        select count(*) from pg_locks
        where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())
        """;

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_user_at_the_limit_waits_and_hides_nobodys_tickets()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        ScratchBacklog backlog = new(database, Limit);
        var (busy, other) = (await backlog.CreateUserAsync(), await backlog.CreateUserAsync());
        var first = await backlog.QueueAsync(busy, TicketPriority.Normal, 5);
        var behind = await backlog.QueueAsync(other, TicketPriority.Normal, 1);
        // More than any dispatch takes, and all before the other user's.
        await database.ExecuteAsync(
            $"""
            insert into tickets (ticket_id, user_id, status, queue_key, expires_at, due_at)
            select gen_random_uuid(), '{busy}', 'queued', 0, now() + interval '1 hour', now() + interval '1 hour'
            from generate_series(1, 2000);
            update tickets set queue_key = queue_key - 1000 where ticket_id in ('{first[0]}', '{first[1]}', '{first[2]}')
            """);

        Assert.Equal([first[0], first[1], behind[0]], await DispatchedAsync(backlog));
        Assert.Empty(await DispatchedAsync(backlog));

        await backlog.FinishAsync(first[0]);
        Assert.Equal([first[2]], await DispatchedAsync(backlog));
    }

    [Fact]
    public async Task The_limit_is_one_for_all_models()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        ScratchBacklog backlog = new(database, Limit);
        var user = await backlog.CreateUserAsync();
        var tickets = await backlog.QueueAsync(user, TicketPriority.Normal, 3);
        await database.ExecuteAsync($"update tickets set model = 'another' where ticket_id in ('{tickets[1]}', '{tickets[2]}')");

        Assert.Equal([tickets[0]], await DispatchedAsync(backlog));
        Assert.Equal([tickets[1]], (await backlog.DispatchAsync(100, "another")).Select(ticket => ticket.TicketId));
    }

    [Fact]
    public async Task Within_the_limit_a_users_higher_priority_goes_first()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        ScratchBacklog backlog = new(database, Limit);
        var user = await backlog.CreateUserAsync();
        var normal = await backlog.QueueAsync(user, TicketPriority.Normal, 10);
        // The head of the backlog stays what it was; behind it comes what is urgent.
        var high = await backlog.QueueAsync(user, TicketPriority.High, 10);

        Assert.Equal([normal[0], high[0]], await DispatchedAsync(backlog));
    }

    [Fact]
    public async Task Replicas_that_dispatch_at_once_keep_the_limit_together()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        ScratchBacklog backlog = new(database, Limit);
        await backlog.QueueAsync(await backlog.CreateUserAsync(), TicketPriority.Normal, 10);
        // Of two models, since no two dispatches of one model would choose different tickets. No commit is possible while the test
        // holds the lock.
        await database.ExecuteAsync(
            """
            update tickets set model = 'another' where queue_key > 20;
            create function wait_for_test() returns trigger language plpgsql as $$
            begin
                perform pg_advisory_xact_lock_shared(1);
                return new;
            end $$;
            create trigger wait_for_test before update on tickets for each row execute function wait_for_test()
            """);
        await using var connection = await database.Source.OpenConnectionAsync(Cancel);
        await using var transaction = await connection.BeginTransactionAsync(Cancel);
        await using (NpgsqlCommand hold = new("select pg_advisory_xact_lock(1)", connection, transaction))
        {
            await hold.ExecuteNonQueryAsync(Cancel);
        }

        Task<IReadOnlyList<TicketMessage>>[] dispatches = [backlog.DispatchAsync(10), backlog.DispatchAsync(10, "another")];
        await Eventually.GetAsync<object>("Both dispatches wait", _limit, async () =>
            await database.ValueAsync<long>(WaitingSql) == dispatches.Length ? dispatches : null);
        await transaction.RollbackAsync(Cancel);

        Assert.Equal(Limit, (await Task.WhenAll(dispatches)).Sum(dispatched => dispatched.Count));
    }

    [Fact]
    public async Task Newcomers_do_not_pass_a_backlog_for_ever_while_a_user_at_the_limit_heads_it()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        ScratchBacklog backlog = new(database, runningTickets: 50);
        var (held, patient, newcomer) = (await backlog.CreateUserAsync(), await backlog.CreateUserAsync(), await backlog.CreateUserAsync());
        await backlog.QueueAsync(held, TicketPriority.Normal, 100);
        await backlog.DispatchAsync(100);
        await backlog.QueueAsync(patient, TicketPriority.Normal, 100);
        Assert.Equal(30, (await backlog.DispatchAsync(30)).Count(ticket => ticket.UserId == patient));
        await backlog.QueueAsync(newcomer, TicketPriority.Normal, 20);

        Assert.InRange((await backlog.DispatchAsync(10)).Count(ticket => ticket.UserId == patient), 4, 6);
    }

    private static async Task<IEnumerable<Guid>> DispatchedAsync(ScratchBacklog backlog) =>
        (await backlog.DispatchAsync(100)).Select(ticket => ticket.TicketId);
}
