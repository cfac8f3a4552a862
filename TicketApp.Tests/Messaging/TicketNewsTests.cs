using System.Text;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using TicketApp.Api.Auth;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;
using TicketApp.Api.Waiting;
using TicketApp.ServiceDefaults;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Messaging;

/// <summary>
/// What replicas tell each other of tickets that are waited for. These would ask for all of them once an hour, unless they have a reason.
/// </summary>
[Collection(AppCollection.Name)]
public sealed class TicketNewsTests(AppFixture app)
{
    private const string Started = "update tickets set status = 'running', epoch = 1, lease_expires = now(), time_started = now()";

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_is_told_of_what_another_changes_and_asks_nothing_while_nothing_happens()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        var ticket = Assert.Single(await StoreAsync(database, 1));
        await using Replica teller = new(app, database, replicas: 2);
        await using Replica listener = new(app, database, replicas: 2);
        await teller.StartAsync();
        await listener.StartAsync();
        using var subscription = listener.Poller.Subscribe(ticket);
        await listener.QuietAsync();

        await database.ExecuteAsync(Started);
        teller.News.OnChanged(ticket.TicketId);
        await Eventually.IsTrueAsync("The start", _limit, () => subscription.Latest?.Status == TicketStatus.Running);
        await listener.QuietAsync();
        subscription.TakeProgress();
        await database.ExecuteAsync("insert into ticket_progress (ticket_id, epoch, seq) select ticket_id, 1, 1 from tickets");
        teller.News.OnChanged(ticket.TicketId);
        await Eventually.IsTrueAsync("Progress", _limit, subscription.TakeProgress);
        await database.ExecuteAsync("delete from tickets");
        teller.News.OnChanged(ticket.TicketId);
        await Eventually.IsTrueAsync("The end", _limit, () => subscription.Latest is null);
    }

    [Fact]
    public async Task Tickets_that_nobody_follows_cost_no_statement()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        var tickets = await StoreAsync(database, 2);
        await using Replica listener = new(app, database, replicas: 2);
        await using OtherReplica other = await OtherReplica.StartAsync(app);
        await listener.StartAsync();
        using var subscription = listener.Poller.Subscribe(tickets[0]);
        await other.TellAsync(1);
        await listener.QuietAsync();

        var statements = listener.Statements;
        await other.TellAsync(2, tickets[1].TicketId, Guid.NewGuid());
        await other.TellAsync(3, [.. Enumerable.Range(0, 900).Select(_ => Guid.NewGuid())]);
        await database.ExecuteAsync($"{Started} where ticket_id = '{tickets[0].TicketId}'");
        await listener.RoundsAsync(10);
        Assert.Equal((statements, TicketStatus.Queued), (listener.Statements, subscription.Latest!.Status));

        await other.TellAsync(4, tickets[0].TicketId);
        await Eventually.IsTrueAsync("The start", _limit, () => subscription.Latest?.Status == TicketStatus.Running);
    }

    /// <summary>One of an older release, one without the broker, one that hangs.</summary>
    [Fact]
    public async Task While_one_tells_nothing_all_tickets_are_asked_for_as_often_as_without_news()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        var ticket = Assert.Single(await StoreAsync(database, 1));
        await using Replica listener = new(app, database, replicas: 3);
        await using OtherReplica other = await OtherReplica.StartAsync(app);
        await listener.StartAsync();
        using var subscription = listener.Poller.Subscribe(ticket);
        await other.TellAsync(1);
        await AsksAsync();
        await database.ExecuteAsync(Started);
        await Eventually.IsTrueAsync("The start", _limit, () => subscription.Latest?.Status == TicketStatus.Running);

        listener.Are(replicas: 2);
        await listener.QuietAsync();
        listener.Clock.Advance(TimeSpan.FromSeconds(5));
        await AsksAsync();
        await other.TellAsync(2);
        await listener.QuietAsync();
        await listener.News.StopAsync(Cancel);
        await AsksAsync();
        listener.Are(replicas: 1);
        await listener.QuietAsync();
        listener.Are(replicas: 0);
        await AsksAsync();

        async Task AsksAsync()
        {
            var statements = listener.Statements;
            await listener.RoundsAsync(10);
            Assert.InRange(listener.Statements - statements, 9, int.MaxValue);
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(1)]
    public async Task What_was_missed_shows_by_the_number_of_the_next_message_and_is_looked_for(long next)
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        var ticket = Assert.Single(await StoreAsync(database, 1));
        await using Replica listener = new(app, database, replicas: 2);
        await using OtherReplica other = await OtherReplica.StartAsync(app);
        await listener.StartAsync();
        using var subscription = listener.Poller.Subscribe(ticket);
        await other.TellAsync(0);
        await listener.QuietAsync();
        await database.ExecuteAsync(Started);
        await other.TellAsync(1);
        await listener.RoundsAsync(10);
        Assert.Equal(TicketStatus.Queued, subscription.Latest!.Status);

        await other.TellAsync(next);

        await Eventually.IsTrueAsync("The start", _limit, () => subscription.Latest?.Status == TicketStatus.Running);
    }

    [Fact]
    public async Task A_change_between_reading_a_ticket_and_following_it_is_found()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        var tickets = await StoreAsync(database, 2);
        await using Replica listener = new(app, database, replicas: 1);
        await listener.StartAsync();
        using var before = listener.Poller.Subscribe(tickets[0]);
        await listener.QuietAsync();
        await database.ExecuteAsync(Started);

        using var first = listener.Poller.Subscribe(tickets[1]);
        using var second = listener.Poller.Subscribe(tickets[0]);

        await Eventually.IsTrueAsync("The starts", _limit, () =>
            ((TicketSubscription[])[before, first, second]).All(subscription => subscription.Latest?.Status == TicketStatus.Running));
    }

    [Fact]
    public async Task A_start_and_the_first_report_of_its_run_may_come_by_one_hint()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        var ticket = Assert.Single(await StoreAsync(database, 1));
        await using Replica listener = new(app, database, replicas: 1);
        await listener.StartAsync();
        using var subscription = listener.Poller.Subscribe(ticket);
        await listener.QuietAsync();
        subscription.TakeProgress();

        await database.ExecuteAsync(Started + "; insert into ticket_progress (ticket_id, epoch, seq) select ticket_id, 1, 1 from tickets");
        listener.Poller.OnChanged(ticket.TicketId);

        await Eventually.IsTrueAsync("The start", _limit, () => subscription.Latest?.Status == TicketStatus.Running);
        Assert.True(subscription.TakeProgress());
    }

    [Fact]
    public async Task Answers_that_are_too_large_for_one_query_come_with_the_next()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        var tickets = await StoreAsync(database, 40);
        await using Replica listener = new(app, database, replicas: 1);
        await listener.StartAsync();
        var subscriptions = tickets.Select(listener.Poller.Subscribe).ToArray();
        await listener.QuietAsync();
        await database.ExecuteAsync(
            "update tickets set status = 'succeeded', time_finished = now(), response = repeat('x', 1000000), queue_key = null");

        Array.ForEach(subscriptions, subscription => listener.Poller.OnChanged(subscription.TicketId));

        await Eventually.IsTrueAsync("All ends", _limit, () => subscriptions.All(subscription => subscription.Latest?.IsFinished == true));
        Array.ForEach(subscriptions, subscription => subscription.Dispose());
    }

    [Fact]
    public async Task Alone_it_tells_nothing_and_once_it_is_not_it_says_that_it_lives()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        await using OtherReplica other = await OtherReplica.StartAsync(app);
        await using Replica teller = new(app, database, replicas: 1);
        await teller.StartAsync();
        var (alone, late) = (Guid.NewGuid(), Guid.NewGuid());
        teller.News.OnChanged(alone);

        teller.Are(replicas: 2);

        await Eventually.IsTrueAsync("It lives", _limit, () => other.Heard.Any(message => message.Tickets.Count == 0));
        teller.News.OnChanged(late);
        await Eventually.IsTrueAsync("The news", _limit, () => other.Heard.Any(message => message.Tickets.Contains(late)));
        Assert.DoesNotContain(other.Heard, message => message.Tickets.Contains(alone));
    }

    [Fact]
    public async Task What_a_flood_leaves_no_room_for_shows_by_the_number()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        await using OtherReplica other = await OtherReplica.StartAsync(app);
        await using Replica teller = new(app, database, replicas: 2);
        for (var i = 0; i < 20_005; i++)
        {
            teller.News.OnChanged(Guid.NewGuid());
        }

        await teller.StartAsync();

        await Eventually.IsTrueAsync("All that is kept", _limit, () => other.Heard.Sum(message => message.Tickets.Count) == 20_000);
        Assert.InRange(other.Heard.Min(message => message.Number), 7, long.MaxValue);
        Assert.All(other.Heard, message => Assert.InRange(message.Tickets.Count, 0, 1000));
    }

    [Fact]
    public async Task It_outlives_messages_that_it_cannot_read_and_the_loss_of_its_exchange()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        await using OtherReplica other = await OtherReplica.StartAsync(app);
        await using Replica replica = new(app, database, replicas: 2);
        await replica.StartAsync();
        await Eventually.IsTrueAsync("It lives", _limit, () => !other.Heard.IsEmpty);
        var withoutTickets = $$"""{"replica":"{{Guid.NewGuid()}}","number":1,"tickets":null}""";
        foreach (var body in (string[])["", "null", "[]", """{"replica":"x"}""", withoutTickets])
        {
            await other.PublishAsync(Encoding.UTF8.GetBytes(body));
        }

        await other.TellAsync(1);
        await Eventually.IsTrueAsync("It hears", _limit, () => replica.Sources.AreComplete(2));
        Assert.Equal(0, replica.News.Restarts);

        await other.DeleteExchangeAsync();
        replica.Sources.Forget();
        await Eventually.IsTrueAsync("It hears again", _limit, async () =>
        {
            try
            {
                await other.TellAsync(2);
            }
            catch (RabbitMQClientException)
            {
                await other.ReopenAsync();
            }

            return replica.Sources.AreComplete(2);
        });
    }

    private static async Task<List<TicketRecord>> StoreAsync(ScratchDatabase database, int count)
    {
        await database.ExecuteAsync(
            $"""
            insert into users (user_id) values ('{Guid.Empty}');
            insert into tickets (ticket_id, user_id, status, queue_key, expires_at, due_at)
            select gen_random_uuid(), '{Guid.Empty}', 'queued', i, now() + interval '1 hour', now() + interval '1 hour'
            from generate_series(1, {count}) i
            """);
        List<TicketRecord> tickets = [];
        await using var command = database.Source.CreateCommand($"select {TicketRecord.Columns} from tickets t");
        await using var reader = await command.ExecuteReaderAsync(Cancel);
        while (await reader.ReadAsync(Cancel))
        {
            tickets.Add(TicketRecord.Read(reader));
        }

        return tickets;
    }

    /// <summary>The part of a replica that has to do with news. That another is silent is a matter of <see cref="Clock"/>.</summary>
    private sealed class Replica : IAsyncDisposable
    {
        private readonly SucceededTickets _succeeded = new();
        private readonly DispatchWindows _windows = new(Options.Create(new DispatchOptions()), TimeProvider.System);
        private readonly ApplicationLifetime _lifetime = new(NullLogger<ApplicationLifetime>.Instance);
        private readonly StatementCounter _statements = new();
        private readonly DatabaseMigrator _migrator;
        private readonly NpgsqlDataSource _source;

        public Replica(AppFixture app, ScratchDatabase database, int replicas)
        {
            var name = new NpgsqlConnectionStringBuilder(database.Source.ConnectionString).Database;
            NpgsqlDataSourceBuilder source = new(new NpgsqlConnectionStringBuilder(app.ApiDatabase) { Database = name }.ConnectionString);
            DatabaseServices.Tune(source);
            _source = source.UseLoggerFactory(_statements.Factory).Build();
            LoopProgress progress = new(TimeProvider.System);
            _migrator = new(database.Source, progress, NullLogger<DatabaseMigrator>.Instance);
            WaitingOptions options = new() { PollInterval = TimeSpan.FromMilliseconds(20), ToldPollInterval = TimeSpan.FromHours(1) };
            Sources = new(Clock);
            Poller = new(
                new(_source), _succeeded, Sources, _windows, _lifetime, Options.Create(options), Options.Create(new LimitOptions()),
                _migrator, progress, NullLogger<TicketPoller>.Instance);
            News = new(
                new ConnectionFactory { Uri = app.ApiBroker, AutomaticRecoveryEnabled = false },
                _windows, Sources, Poller, progress, NullLogger<TicketNews>.Instance);
            Are(replicas);
        }

        public ManualClock Clock { get; } = new();

        public NewsSources Sources { get; }

        public TicketPoller Poller { get; }

        public TicketNews News { get; }

        /// <summary>What was logged about statements so far.</summary>
        public int Statements => _statements.Count;

        public void Are(int replicas) => _windows.Refresh(new(replicas, new Dictionary<string, WindowState>()));

        public async Task StartAsync()
        {
            await _migrator.StartAsync(Cancel);
            await Poller.StartAsync(Cancel);
            await News.StartAsync(Cancel);
            await Eventually.IsTrueAsync("It is connected", _limit, () => News.IsReady);
        }

        public async Task RoundsAsync(int count)
        {
            var rounds = Poller.Rounds;
            await Eventually.IsTrueAsync($"{count} rounds", _limit, () => Poller.Rounds >= rounds + count);
        }

        /// <summary>Ends when ten rounds came without a statement.</summary>
        public Task QuietAsync() => Eventually.IsTrueAsync("It asks nothing", _limit, async () =>
        {
            var statements = Statements;
            await RoundsAsync(10);
            return Statements == statements;
        });

        public async ValueTask DisposeAsync()
        {
            await News.StopAsync(CancellationToken.None);
            await Poller.StopAsync(CancellationToken.None);
            News.Dispose();
            Poller.Dispose();
            _migrator.Dispose();
            await _source.DisposeAsync();
            _succeeded.Dispose();
            _statements.Dispose();
        }
    }

    /// <summary>Counts what Npgsql logs of statements.</summary>
    private sealed class StatementCounter : ILoggerProvider, ILogger
    {
        private int _count;

        public StatementCounter() => Factory = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Debug).AddProvider(this));

        public ILoggerFactory Factory { get; }

        public int Count => Volatile.Read(ref _count);

        public ILogger CreateLogger(string categoryName) => categoryName == "Npgsql.Command" ? this : NullLogger.Instance;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Interlocked.Increment(ref _count);

        public void Dispose()
        {
        }
    }
}
