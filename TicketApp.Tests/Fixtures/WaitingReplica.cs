using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using RabbitMQ.Client;
using TicketApp.Api.Auth;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;
using TicketApp.Api.Waiting;
using TicketApp.ServiceDefaults;

namespace TicketApp.Tests.Fixtures;

/// <summary>
/// The part of a replica that tells callers of the tickets that they wait for. It asks for all of them once an hour, unless it has a
/// reason. That another replica is silent is a matter of <see cref="Clock"/>.
/// </summary>
internal sealed class WaitingReplica : IAsyncDisposable
{
    /// <summary>The statement that starts all tickets.</summary>
    public const string Start = "update tickets set status = 'running', epoch = 1, lease_expires = now(), time_started = now()";

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private readonly DispatchWindows _windows = new(Options.Create(new DispatchOptions()), TimeProvider.System);
    private readonly ApplicationLifetime _lifetime = new(NullLogger<ApplicationLifetime>.Instance);
    private readonly StatementCounter _statements = new();
    private readonly DatabaseMigrator _migrator;
    private readonly NpgsqlDataSource _source;

    public WaitingReplica(AppFixture app, ScratchDatabase database, int replicas)
    {
        _source = ScratchDatabase.SourceOf(app, database.Name).UseLoggerFactory(_statements.Factory).Build();
        LoopProgress progress = new(TimeProvider.System);
        _migrator = new(database.Source, progress, NullLogger<DatabaseMigrator>.Instance);
        WaitingOptions options = new() { PollInterval = TimeSpan.FromMilliseconds(20), ToldPollInterval = TimeSpan.FromHours(1) };
        Sources = new(Clock);
        Poller = new(
            new(_source), Succeeded, Sources, _windows, _lifetime, Options.Create(options), Options.Create(new LimitOptions()),
            _migrator, progress, NullLogger<TicketPoller>.Instance);
        News = new(
            new ConnectionFactory { Uri = app.ApiBroker, AutomaticRecoveryEnabled = false },
            _windows, Sources, Poller, Succeeded, progress, NullLogger<TicketNews>.Instance);
        Are(replicas);
    }

    public ManualClock Clock { get; } = new();

    public NewsSources Sources { get; }

    public SucceededTickets Succeeded { get; } = new();

    public TicketPoller Poller { get; }

    public TicketNews News { get; }

    /// <summary>What was logged about statements so far.</summary>
    public int Statements => _statements.Count;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Queued tickets.</summary>
    public static async Task<List<TicketRecord>> StoreAsync(ScratchDatabase database, int count)
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
        Succeeded.Dispose();
        _statements.Dispose();
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
