using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using RabbitMQ.Client;
using TicketApp.Api.Auth;
using TicketApp.Api.Completion;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;
using TicketApp.Messaging;
using TicketApp.Messaging.Broker;
using TicketApp.ServiceDefaults;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Tickets;

/// <summary>Cancelling in each state, and what may come afterwards.</summary>
[Collection(AppCollection.Name)]
public sealed class CancelTests(AppFixture app)
{
    // Far longer than it may take, on a busy machine as well.
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    private static readonly IOptions<TicketOptions> _tickets =
        Options.Create(new TicketOptions { MaxAttempts = 2, RetryPause = TimeSpan.FromMinutes(1) });
    private static readonly IOptions<DispatchOptions> _dispatch = Options.Create(new DispatchOptions());
    private static readonly IOptions<LimitOptions> _limits = Options.Create(new LimitOptions());

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_does_not_run_is_canceled_at_once_and_a_later_result_is_late()
    {
        await using var queued = await CreateAsync();
        Assert.Equal(TicketStatus.Canceled, await CancelAsync(queued));
        Assert.Empty(await new DispatchStore(queued.Source, _dispatch, _limits).DispatchAsync("simulated", 10, Cancel));

        await using var dispatched = await CreateAsync();
        var ticket = await DispatchAsync(dispatched);
        Assert.Equal(TicketStatus.Canceled, await CancelAsync(dispatched));
        var outcome = await ApplyAsync(dispatched, Report(ticket, ReportType.Started), Report(ticket, ReportType.Finished));
        Assert.Equal([new RunReference(ticket.TicketId, ticket.Epoch)], outcome.Canceled);
        Assert.Equal((0, 1), (outcome.Ended.Count, outcome.Late));

        await using var retryable = await CreateAsync();
        await ApplyAsync(retryable, Report(await DispatchAsync(retryable), ReportType.Failed));
        Assert.Equal(TicketStatus.Canceled, await CancelAsync(retryable));
        Assert.Equal(
            "canceled canceled canceled",
            string.Join(' ', await StatusAsync(queued), await StatusAsync(dispatched), await StatusAsync(retryable)));
    }

    [Fact]
    public async Task Workers_hear_of_it_again_when_the_exchange_was_deleted()
    {
        ResourceClient api = new(app.Api);
        await using (var connection = await new ConnectionFactory { Uri = app.ApiBroker }.CreateConnectionAsync(Cancel))
        await using (var channel = await connection.CreateChannelAsync(cancellationToken: Cancel))
        {
            await channel.ExchangeDeleteAsync(QueueNames.Control, cancellationToken: Cancel);
            // As an API does within 15 s.
            await channel.ExchangeDeclareAsync(QueueNames.Control, ExchangeType.Fanout, durable: true, cancellationToken: Cancel);
        }

        // One message is lost at most, until workers have bound their queues.
        var body = new JsonObject { ["user_id"] = await api.CreateUserAsync(), ["input"] = """{"seconds":60}""" }.ToJsonString();
        await Eventually.IsTrueAsync("A run is stopped", _limit, async () =>
        {
            var ticket = (await api.PostAsync("/v1/tickets", body)).Id;
            await Eventually.IsTrueAsync("It runs", _limit, async () =>
                (await api.GetAsync($"/v1/tickets/{ticket}")).TicketStatus == "running");
            await api.PostAsync($"/v1/tickets/{ticket}/cancel", null);
            return (await api.GetAsync($"/v1/tickets/{ticket}", ("Prefer", "wait=2"))).TicketStatus == "canceled";
        });
    }

    [Theory]
    [InlineData(ReportType.Returned, "canceled")]
    [InlineData(ReportType.Failed, "canceled")]
    [InlineData(ReportType.Finished, "succeeded")]
    public async Task What_runs_ends_when_its_worker_says_so_and_a_quicker_result_stays(ReportType report, string end)
    {
        await using var database = await CreateAsync();
        var ticket = await DispatchAsync(database);
        await ApplyAsync(database, Report(ticket, ReportType.Started));
        Assert.Equal(TicketStatus.Canceling, await CancelAsync(database));
        Assert.Equal(TicketStatus.Canceling, await CancelAsync(database));
        // Repetitions of what was said before do not bring it back.
        await ApplyAsync(database, Report(ticket, ReportType.Started), Report(ticket, ReportType.Redelivered), Heartbeat(ticket));
        Assert.Equal("canceling", await StatusAsync(database));

        await ApplyAsync(database, Report(ticket, report));
        Assert.Equal(end, await StatusAsync(database));
        Assert.Equal(TicketStatusNames.Parse(end), await CancelAsync(database));
        Assert.False(await database.ValueAsync<bool>("select report_pending from tickets"));
    }

    [Theory]
    [InlineData("lease_expires = now()")]
    [InlineData("due_at = now()")]
    [InlineData("due_at = now(), expires_at = now()")]
    public async Task If_its_worker_is_lost_or_its_time_is_over_it_ends_as_canceled(string change)
    {
        await using var database = await CreateAsync();
        await ApplyAsync(database, Report(await DispatchAsync(database), ReportType.Started));
        await CancelAsync(database);
        await database.ExecuteAsync($"update tickets set {change}");
        RescueStore rescues = new(database.Source, _tickets);
        await rescues.EndDueAsync(100, [], Cancel);
        await rescues.RescueExpiredAsync(100, [], Cancel);

        Assert.Equal("canceled", await StatusAsync(database));
    }

    [Fact]
    public async Task Nothing_is_canceled_where_there_is_no_ticket()
    {
        await using var database = await CreateAsync();
        var row = await RowAsync(database.Source);
        await database.ExecuteAsync("delete from tickets");

        Assert.Null(await Canceler(database.Source).CancelAsync(row, Cancel));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_model_of_a_running_ticket_is_stopped_though_the_replica_that_canceled_it_sent_no_message(bool listens)
    {
        TaskCompletionSource<bool> started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource<bool> stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource<string> never = new();
        TestModel model = new((_, token) =>
        {
            started.TrySetResult(true);
            token.Register(() => stopped.TrySetResult(true));
            return listens ? never.Task.WaitAsync(token) : never.Task;
        });
        await using var worker = await TestWorker.StartAsync(app, model);
        var ticketId = Guid.Parse(await app.CreateTicketAsync(await app.CreateUserAsync(), model.Name));
        await using var database = NpgsqlDataSource.Create(app.Database);
        await started.Task.WaitAsync(_limit, Cancel);
        // Also before it was reported to run: then it ends at once, and the worker is told when it reports the run.
        if (listens)
        {
            await EventuallyAsync(database, ticketId, "running");
        }

        // Its notifier does not run: only what the application does by itself tells the worker.
        await Canceler(database).CancelAsync(await RowAsync(database, ticketId), Cancel);
        await stopped.Task.WaitAsync(_limit, Cancel);
        await EventuallyAsync(database, ticketId, "canceled");
        using var response = await app.Api.GetAsync($"/ticket?ticket_id={ticketId}", Cancel);
        Assert.Equal(System.Net.HttpStatusCode.Gone, response.StatusCode);
    }

    private static TicketCanceler Canceler(NpgsqlDataSource database) => new(
        database,
        new CancellationPublisher(
            database,
            new BrokerPublisher(new ConnectionFactory(), new LoopProgress(TimeProvider.System), NullLogger<BrokerPublisher>.Instance),
            new DatabaseMigrator(database, new LoopProgress(TimeProvider.System), NullLogger<DatabaseMigrator>.Instance),
            new LoopProgress(TimeProvider.System),
            _dispatch,
            NullLogger<CancellationPublisher>.Instance),
        new OpenTickets(),
        new TicketObservers([]),
        _dispatch);

    /// <summary>Where a database's one ticket is after that.</summary>
    private static async Task<TicketStatus?> CancelAsync(ScratchDatabase database) =>
        (await Canceler(database.Source).CancelAsync(await RowAsync(database.Source), Cancel))?.Status;

    private static async Task<TicketRecord> RowAsync(NpgsqlDataSource database, Guid? ticketId = null)
    {
        var condition = ticketId is null ? "true" : $"t.ticket_id = '{ticketId}'";
        await using var command = database.CreateCommand($"select {TicketRecord.Columns} from tickets t where {condition}");
        await using var reader = await command.ExecuteReaderAsync(Cancel);
        Assert.True(await reader.ReadAsync(Cancel));
        return TicketRecord.Read(reader);
    }

    private static WorkerReport Report(TicketMessage ticket, ReportType type) => new()
    {
        Type = type,
        Worker = "w",
        TicketId = ticket.TicketId,
        UserId = ticket.UserId,
        Epoch = ticket.Epoch,
        Response = "done",
        RunMilliseconds = 5,
    };

    private static WorkerReport Heartbeat(TicketMessage ticket) =>
        new() { Type = ReportType.Heartbeat, Worker = "w", Runs = [new(ticket.TicketId, ticket.Epoch)] };

    private static Task<ReportOutcome> ApplyAsync(ScratchDatabase database, params WorkerReport[] reports) =>
        new ReportStore(database.Source, _dispatch, _tickets).ApplyAsync(reports, Cancel);

    private static Task<string> StatusAsync(ScratchDatabase database) => database.ValueAsync<string>("select status::text from tickets");

    private static async Task<TicketMessage> DispatchAsync(ScratchDatabase database) =>
        Assert.Single(await new DispatchStore(database.Source, _dispatch, _limits).DispatchAsync("simulated", 10, Cancel));

    private static Task<string> EventuallyAsync(NpgsqlDataSource database, Guid ticketId, string status) =>
        Eventually.GetAsync($"Ticket {ticketId} {status}", _limit, async () =>
        {
            await using var command = database.CreateCommand($"select status::text from tickets where ticket_id = '{ticketId}'");
            return await command.ExecuteScalarAsync(Cancel) as string is { } found && found == status ? found : null;
        });

    /// <summary>A database with one queued ticket.</summary>
    private async Task<ScratchDatabase> CreateAsync()
    {
        var database = await ScratchDatabase.CreateMigratedAsync(app);
        var user = Guid.CreateVersion7();
        await database.ExecuteAsync($"insert into users (user_id) values ('{user}')");
        await using var connection = await database.Source.OpenConnectionAsync(Cancel);
        TicketStore store = new(_tickets, _dispatch);
        await store.CreateAsync(connection, [new NewTicket(Guid.CreateVersion7(), user)], dispatch: 0);
        return database;
    }
}
