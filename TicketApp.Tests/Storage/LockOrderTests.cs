using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Auth;
using TicketApp.Api.Completion;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;
using TicketApp.Api.Telemetry;
using TicketApp.Api.Tickets;
using TicketApp.Api.Webhooks;
using TicketApp.Messaging;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Storage;

/// <summary>
/// Statements that lock many rows, against each other, with what they are given in every order: none ever waits for one that waits for it.
/// </summary>
[Collection(DatabaseCollection.Name)]
public sealed class LockOrderTests(DatabaseServer server)
{
    private const int Tickets = 120;
    private const int Keys = 40;
    private const int AtOnce = 8;
    private static readonly TimeSpan _duration = TimeSpan.FromSeconds(10);

    private static readonly IOptions<TicketOptions> _tickets = Options.Create(new TicketOptions { RetryPause = TimeSpan.Zero });
    private static readonly IOptions<DispatchOptions> _dispatch = Options.Create(new DispatchOptions());
    private static readonly IOptions<LimitOptions> _limits = Options.Create(new LimitOptions());

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_two_of_them_wait_for_each_other()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        await using var services = new ServiceCollection().AddMetrics().AddSingleton<TicketMetrics>().BuildServiceProvider();
        ScratchBacklog backlog = new(database);
        Guid[] users = [await backlog.CreateUserAsync(), await backlog.CreateUserAsync()];
        await backlog.QueueAsync(users[0], TicketPriority.Normal, Tickets);
        // None ends by itself, and each has events for a receiver.
        await database.ExecuteAsync(
            """
            update tickets set max_attempts = 30000, expires_at = now() + interval '1 day', due_at = now() + interval '1 day',
                webhook_url = 'https://example.com', webhook_events = 3
            """);
        ReportStore reports = new(database.Source, _dispatch, _tickets);
        DispatchStore dispatch = new(database.Source, _dispatch, _limits);
        RescueStore rescues = new(database.Source, _tickets);
        TicketStore store = new(_tickets, _dispatch);
        var ended = DeliveryStore.Expiry(new() { Retention = TimeSpan.FromMilliseconds(1) });
        var keys = IdempotencyStore.Expiry(new() { IdempotencyKeyLifetime = TimeSpan.FromDays(-1) });
        ProgressStore progress = new(database.Source);
        PurgeStore purge = new(database.Source, Options.Create(new RetentionOptions { FinishedFor = TimeSpan.FromMilliseconds(1) }));
        DeliveryStore deliveries = new(database.Source, Options.Create(new WebhookOptions { Retention = TimeSpan.FromMilliseconds(1) }));

        using CancellationTokenSource enough = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        enough.CancelAfter(_duration);
        Func<Task>[] all =
        [
            .. Enumerable.Repeat<Func<Task>>(async () => await reports.ApplyAsync(await SomeReportsAsync(database.Source), Cancel), 4),
            async () => await dispatch.DispatchAsync(ModelNames.Simulated, Tickets, Cancel),
            async () => await dispatch.ReturnAsync(Shuffled((await RunsAsync(database.Source)).Select(Message)), Cancel),
            () => rescues.ExtendLeasesAsync(Cancel),
            async () => await rescues.EndDueAsync(Tickets, [], Cancel),
            async () => await rescues.RescueExpiredAsync(Tickets, [], Cancel),
            () => database.ExecuteAsync(
                """
                update tickets set lease_expires = now(), attempt = 1
                where ticket_id = (select ticket_id from tickets where lease_expires is not null order by random() limit 1)
                    and lease_expires is not null
                """),
            async () => await progress.PurgeAsync(default, Tickets, Cancel),
            async () => await WorkerStatements.Expiry.RemoveAsync(database.Source, Tickets, Cancel),
            () => database.ExecuteAsync(
                "update workers set last_seen = now() - interval '2 hours' where worker = (select 'w' || (random() * 9)::int)"),
            async () => await CreateAsync(database.Source, store, users[1]),
            async () => await keys.RemoveAsync(database.Source, Tickets, Cancel),
            () => database.ExecuteAsync(
                $"""
                update tickets set status = 'canceled', time_finished = now(), lease_expires = null where ticket_id in (
                    select ticket_id from tickets where user_id = '{users[1]}' and time_finished is null
                    order by ticket_id for update skip locked)
                """),
            async () => await purge.PurgeAsync(Guid.Empty, beyondNow: false, Tickets, Cancel),
            async () => await CompleteAsync(database, deliveries),
            async () => await ended.RemoveAsync(database.Source, Tickets, Cancel),
        ];
        await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(async _ =>
        {
            do
            {
                foreach (var work in Shuffled(all))
                {
                    await work();
                }
            }
            while (!enough.IsCancellationRequested);
        }));

        Assert.Equal(0, await database.ValueAsync<long>("select deadlocks from pg_stat_database where datname = current_database()"));
        Assert.True(await database.ValueAsync<long>("select sum(epoch) from tickets") > Tickets);
    }

    private static async Task<WorkerReport[]> SomeReportsAsync(NpgsqlDataSource database)
    {
        var runs = Shuffled(await RunsAsync(database));
        ReportType[] types =
        [
            ReportType.Started,
            ReportType.Redelivered,
            ReportType.Returned,
            ReportType.Failed,
            ReportType.Progress,
            ReportType.Finished,
        ];
        return Shuffled(
        [
            .. Enumerable.Range(0, 10).Select(i => new WorkerReport
            {
                Type = ReportType.Heartbeat,
                Worker = $"w{i}",
                Runs = Shuffled(runs.Where((_, place) => place % 10 == i)),
                Models = Shuffled(Enumerable.Range(0, 5).Select(model =>
                    new ModelOffer { Name = $"m{model}", Description = Guid.NewGuid().ToString(), Slots = 1 })),
            }),
            .. runs.Take(runs.Length / 2)
                .Select(run => (Run: run, Type: types[Random.Shared.Next(types.Length)]))
                .Select(report => new WorkerReport
                {
                    Type = report.Type,
                    Worker = "w0",
                    TicketId = report.Run.TicketId,
                    // A result comes too late: one that counts would end the ticket for good.
                    Epoch = report.Type == ReportType.Finished ? 0 : report.Run.Epoch,
                    Response = "done",
                    Sequence = 1,
                }),
        ]);
    }

    private static async Task<RunReference[]> RunsAsync(NpgsqlDataSource database)
    {
        List<RunReference> runs = [];
        await using var command = database.CreateCommand("select ticket_id, epoch from tickets where lease_expires is not null");
        await using var reader = await command.ExecuteReaderAsync(Cancel);
        while (await reader.ReadAsync(Cancel))
        {
            runs.Add(new(reader.GetGuid(0), reader.GetInt32(1)));
        }

        return [.. runs];
    }

    private static TicketMessage Message(RunReference run) => new()
    {
        TicketId = run.TicketId,
        UserId = run.TicketId,
        Model = ModelNames.Simulated,
        Attempt = 1,
        Epoch = run.Epoch,
        Deadline = DateTimeOffset.MaxValue,
    };

    private static async Task CreateAsync(NpgsqlDataSource database, TicketStore store, Guid user)
    {
        var batch = Shuffled(Enumerable.Range(0, Keys).Select(key => new NewTicket(Guid.CreateVersion7(), user)
        {
            Model = ModelNames.Simulated,
            Key = new($"key {key}", [1]),
        }));
        await using var connection = await database.OpenConnectionAsync(Cancel);
        await store.CreateAsync(connection, batch, dispatch: Random.Shared.Next(Keys));
    }

    private static async Task CompleteAsync(ScratchDatabase database, DeliveryStore deliveries)
    {
        await using var command = database.Source.CreateCommand(
            $"""
            select {TicketRecord.Columns}, d.delivery_id, d.attempts
            from webhook_deliveries d join tickets t using (ticket_id)
            where d.due_at is not null order by random() limit 5
            """);
        List<Delivery> found = [];
        await using (var reader = await command.ExecuteReaderAsync(Cancel))
        {
            while (await reader.ReadAsync(Cancel))
            {
                found.Add(new(
                    reader.GetGuid(TicketRecord.ColumnCount),
                    "example.com",
                    new("https://example.com"),
                    "ticket.finished",
                    DateTime.UtcNow,
                    TicketRecord.Read(reader),
                    Truncated: false,
                    Attempt: reader.GetInt16(TicketRecord.ColumnCount + 1),
                    Try: 1,
                    EndpointIsOff: false));
            }
        }

        foreach (var delivery in found)
        {
            await deliveries.CompleteAsync(delivery, new(200, null, TimeSpan.Zero), pause: null, Cancel);
        }
    }

    private static T[] Shuffled<T>(IEnumerable<T> items)
    {
        T[] shuffled = [.. items];
        Random.Shared.Shuffle(shuffled);
        return shuffled;
    }
}
