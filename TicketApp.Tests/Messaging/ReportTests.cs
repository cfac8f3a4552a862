using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using TicketApp.Api.Auth;
using TicketApp.Api.Completion;
using TicketApp.Api.Dispatch;
using TicketApp.Api.InputSchemas;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;
using TicketApp.Messaging;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Messaging;

/// <summary>What reports do to a ticket: in order, out of order, twice, and too late.</summary>
[Collection(AppCollection.Name)]
public sealed class ReportTests(AppFixture app)
{
    private static readonly TicketOptions _tickets = new() { MaxAttempts = 2, RetryPause = TimeSpan.Zero };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_result_counts_once_and_only_under_the_current_epoch()
    {
        await using var database = await CreateAsync();
        var ticket = await DispatchAsync(database);

        Assert.Empty((await ApplyAsync(database, Finished(ticket, "stale") with { Epoch = ticket.Epoch + 1 })).Ended);
        Assert.Equal("first", Assert.Single((await ApplyAsync(database, Finished(ticket, "first"))).Ended).Ticket.Response);
        Assert.Empty((await ApplyAsync(database, Finished(ticket, "first"))).Ended);
        Assert.Empty((await ApplyAsync(database, Finished(ticket, "second") with { Worker = "other" })).Ended);
        Assert.Equal("first", await database.ValueAsync<string>("select response from tickets"));
        // The one under a wrong epoch and the other worker's are on record; the repetition is not.
        Assert.Equal(2, await database.ValueAsync<long>("select count(*) from ticket_attempts where outcome = 'late'"));
    }

    [Fact]
    public async Task Reports_out_of_order_leave_the_end_as_it_is()
    {
        await using var database = await CreateAsync();
        var ticket = await DispatchAsync(database);
        await ApplyAsync(database, Finished(ticket, "done"));
        await ApplyAsync(
            database,
            Report(ticket, ReportType.Started),
            Report(ticket, ReportType.Redelivered),
            Report(ticket, ReportType.Returned),
            Failed(ticket));

        Assert.Equal("succeeded", await StatusAsync(database));
    }

    [Fact]
    public async Task One_batch_may_carry_everything_about_a_ticket()
    {
        await using var database = await CreateAsync();
        var ticket = await DispatchAsync(database);
        var heartbeat = Heartbeat(ticket) with { Models = [new() { Name = "simulated", Description = "d", Slots = 7 }] };
        var outcome = await ApplyAsync(
            database,
            Report(ticket, ReportType.Redelivered),
            Finished(ticket, "done"),
            heartbeat,
            heartbeat,
            Report(ticket, ReportType.Started),
            Finished(ticket, "done"));

        Assert.Equal("done", Assert.Single(outcome.Ended).Ticket.Response);
        Assert.Equal(0, outcome.Late);
        Assert.Equal("succeeded", await StatusAsync(database));
        Assert.Equal("7 {\"simulated\": 7}", await database.ValueAsync<string>("select slots || ' ' || models from workers"));
        Assert.Equal("simulated", await database.ValueAsync<string>("select name from models"));
    }

    [Fact]
    public async Task The_schema_of_a_model_stays_until_another_comes_or_its_workers_have_none()
    {
        const string Kept = "select coalesce(input_schema_id || ' ' || input_schema, 'none') from models";
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        ModelOffer none = new() { Name = "m", Description = "d", Slots = 1 };
        var (one, two) = (none with { InputSchemaId = "1" }, none with { InputSchemaId = "2" });
        Payload first = new("""{"type":"object"}""", IsJson: true);
        // Each with what is there after it.
        (ModelOffer[] Said, string Kept)[] steps =
        [
            ([one], "none"),
            // The one that has it need not be the last in a batch, nor of the same worker.
            ([one with { InputSchema = first }, one], """1 {"type":"object"}"""),
            ([one], """1 {"type":"object"}"""),
            ([two], """1 {"type":"object"}"""),
            ([two with { InputSchema = new("{}", IsJson: true) }], "2 {}"),
            ([one with { InputSchema = first }, two], "2 {}"),
            ([none], "none"),
            ([none with { InputSchema = first }], "none"),
            // What cannot be one is kept as nothing: the list of models warns of it.
            ([one with { InputSchema = new($"[{new string(' ', InputSchema.MaxBytes)}]", IsJson: true) }], "1 "),
            ([two with { InputSchema = "a text" }], "2 "),
        ];

        foreach (var (said, kept) in steps)
        {
            var beats = said.Select((offer, i) => new WorkerReport { Type = ReportType.Heartbeat, Worker = $"w{i}", Models = [offer] });
            await ApplyAsync(database, [.. beats]);
            Assert.Equal(kept, await database.ValueAsync<string>(Kept));
        }
    }

    [Fact]
    public async Task A_schema_that_cannot_be_used_is_told_once_and_nothing_is_checked()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        await database.ExecuteAsync(
            """
            insert into models (
                name, description, input_required, max_input_characters, largest_batch, last_seen, input_schema_id, input_schema)
            values ('bad', 'd', false, 1, 1, now(), '1', '{"$ref":"#"}'), ('long', 'd', false, 1, 1, now(), '1', ''),
                ('good', 'd', false, 1, 1, now(), '1', '{"type":"string"}')
            """);
        LogLines log = new();
        InputChecks checks = new(database.Source, new Logger<InputChecks>(new LoggerFactory([log])));
        Dictionary<string, string> ids = new() { ["bad"] = "1", ["long"] = "1", ["good"] = "1", ["gone"] = "1" };

        var first = Assert.Single(await checks.OfAsync(ids, Cancel));
        var second = Assert.Single(await checks.OfAsync(ids, Cancel));
        await database.ExecuteAsync("update models set input_schema_id = '2', input_schema = '{}' where name = 'bad'");
        var repaired = await checks.OfAsync(new(ids) { ["bad"] = "2" }, Cancel);

        Assert.Equal("good", first.Model);
        Assert.Same(first.Check, second.Check);
        Assert.Equal(["bad", "good"], repaired.Select(model => model.Model).Order());
        Assert.Equal(2, log.Lines.Count);
        Assert.Contains(log.Lines, line => line.Contains("model bad is not used, and inputs are not checked: the schema at the root"));
        Assert.Contains(log.Lines, line => line.Contains("model long is not used, and inputs are not checked: it has more than 65536"));
    }

    [Fact]
    public async Task Failures_are_retried_and_the_last_one_ends_the_ticket()
    {
        await using var database = await CreateAsync();
        await ApplyAsync(database, Failed(await DispatchAsync(database)));
        Assert.Equal("retryable", await StatusAsync(database));
        await Rescues(database).EndDueAsync(100, [], Cancel);

        var last = await ApplyAsync(database, Failed(await DispatchAsync(database)));
        Assert.Equal(TicketStatus.Failed, Assert.Single(last.Ended).Ticket.Status);
        Assert.True(await database.ValueAsync<bool>("select report_pending from tickets"));
        var attempts = await database.ValueAsync<string>(
            "select string_agg(attempt::text, ' ' order by attempt) from ticket_attempts where outcome = 'failed'");
        Assert.Equal("1 2", attempts);
    }

    [Fact]
    public async Task A_model_may_ask_for_no_other_attempt_or_for_a_longer_pause()
    {
        await using var patient = await CreateAsync();
        await ApplyAsync(patient, Failed(await DispatchAsync(patient)) with { RetryAfterMilliseconds = 60_000 });
        Assert.True(await patient.ValueAsync<bool>("select due_at > now() + interval '50 s' from tickets where status = 'retryable'"));

        await using var final = await CreateAsync();
        var outcome = await ApplyAsync(final, Failed(await DispatchAsync(final)) with { IsFinal = true });
        Assert.Equal(TicketStatus.Failed, Assert.Single(outcome.Ended).Ticket.Status);
    }

    [Fact]
    public async Task An_attempt_that_never_reached_its_model_is_on_record_and_not_charged()
    {
        await using var database = await CreateAsync();
        for (var i = 0; i < 5; i++)
        {
            await ApplyAsync(database, Failed(await DispatchAsync(database)) with { IsRefused = true, ErrorType = "model_unavailable" });
            Assert.Equal("retryable", await StatusAsync(database));
            await Rescues(database).EndDueAsync(100, [], Cancel);
        }

        Assert.Equal(0, await database.ValueAsync<short>("select attempt from tickets"));
        Assert.Equal("1 1 1 1 1", await database.ValueAsync<string>(
            "select string_agg(attempt::text, ' ') from ticket_attempts where outcome = 'failed'"));
    }

    [Fact]
    public async Task Progress_counts_once_and_only_while_the_ticket_runs_under_its_epoch()
    {
        await using var database = await CreateAsync();
        var ticket = await DispatchAsync(database);
        var progress = Report(ticket, ReportType.Progress) with { Sequence = 1, Fraction = 0.5, Text = "Hap" };
        await ApplyAsync(database, progress, progress, progress with { Epoch = 2 });
        var details = System.Text.Json.JsonElement.Parse("""{"probability":0.9}""");
        await ApplyAsync(database, progress, Finished(ticket, "Happy message") with { Details = details });
        await ApplyAsync(database, progress with { Sequence = 2 });

        var stored = await database.ValueAsync<string>(
            "select string_agg(concat_ws(' ', epoch, seq, fraction, text), ',') from ticket_progress");
        Assert.Equal("1 1 0.5 Hap", stored);
        Assert.Equal("0.9", await database.ValueAsync<string>("select response_details::json ->> 'probability' from tickets"));

        // A finished ticket cannot be changed: made older by itself.
        await database.ExecuteAsync(
            """
            alter table tickets disable trigger user;
            update tickets set time_finished = now() - interval '6 minutes'
            """);
        ProgressStore store = new(database.Source);
        ProgressKey key = new(ticket.TicketId, Epoch: 1, Sequence: 1);
        Assert.Equal(key, await store.PurgeAsync(default, most: 100, Cancel));
        Assert.Null(await store.PurgeAsync(key, most: 100, Cancel));

        Assert.Equal(0, await database.ValueAsync<long>("select count(*) from ticket_progress"));
    }

    [Fact]
    public async Task A_ticket_handed_back_is_not_charged_and_runs_again()
    {
        await using var database = await CreateAsync();
        for (var i = 0; i < 5; i++)
        {
            var outcome = await ApplyAsync(database, Report(await DispatchAsync(database), ReportType.Returned));
            Assert.Equal(["simulated"], outcome.Returned.Keys);
        }

        await ApplyAsync(database, Finished(await DispatchAsync(database), "done"));
        Assert.Equal("succeeded", await StatusAsync(database));
    }

    [Fact]
    public async Task A_lost_worker_is_charged_and_a_lost_message_is_not()
    {
        await using var database = await CreateAsync();
        await DispatchAsync(database);
        await EndLeaseAsync(database);
        Assert.Equal(0, await database.ValueAsync<short>("select attempt from tickets"));

        for (var attempt = 1; attempt <= 2; attempt++)
        {
            await ApplyAsync(database, Report(await DispatchAsync(database), ReportType.Started));
            await EndLeaseAsync(database);
        }

        Assert.Equal("failed", await StatusAsync(database));
        Assert.Equal("worker_lost", await database.ValueAsync<string>("select error_type from tickets"));
        Assert.Equal(2, await database.ValueAsync<long>("select count(*) from ticket_attempts where outcome = 'worker_lost'"));
    }

    [Fact]
    public async Task A_quick_run_is_charged_only_from_its_second_redelivery_on()
    {
        await using var database = await CreateAsync();
        foreach (var (status, attempt) in (IEnumerable<(string, short)>)[("queued", 0), ("queued", 1), ("failed", 2)])
        {
            var ticket = await DispatchAsync(database);
            // A broker that fails may take the message from more than one connection.
            await ApplyAsync(database, Report(ticket, ReportType.Redelivered));
            await ApplyAsync(database, Report(ticket, ReportType.Redelivered));
            await database.ExecuteAsync("update tickets set lease_expires = now()");
            await Rescues(database).RescueExpiredAsync(100, [], Cancel);

            Assert.Equal(status, await StatusAsync(database));
            Assert.Equal(attempt, await database.ValueAsync<short>("select attempt from tickets"));
        }

        Assert.Equal(2, await database.ValueAsync<long>("select count(*) from ticket_attempts where outcome = 'worker_lost'"));
    }

    [Fact]
    public async Task A_heartbeat_keeps_a_lease_that_a_redelivery_had_shortened()
    {
        await using var database = await CreateAsync();
        var ticket = await DispatchAsync(database);
        await ApplyAsync(database, Report(ticket, ReportType.Started));
        await ApplyAsync(database, Report(ticket, ReportType.Redelivered));
        Assert.True(await database.ValueAsync<bool>("select lease_expires < now() + interval '21 s' from tickets"));

        await ApplyAsync(database, Heartbeat(ticket));
        Assert.True(await database.ValueAsync<bool>("select lease_expires > now() + interval '25 s' from tickets"));
    }

    [Theory]
    [InlineData("queued", "expired", "processing_timeout")]
    [InlineData("dispatched", "expired", "processing_timeout")]
    [InlineData("running", "timed_out", "processing_timeout")]
    public async Task Whatever_runs_over_the_processing_limit_ends(string from, string to, string error)
    {
        await using var database = await CreateAsync();
        if (from != "queued")
        {
            var ticket = await DispatchAsync(database);
            await ApplyAsync(database, from == "running" ? [Report(ticket, ReportType.Started)] : []);
        }

        await database.ExecuteAsync("update tickets set expires_at = now(), due_at = now()");
        Assert.Equal(1, Assert.Single(await Rescues(database).EndDueAsync(100, [], Cancel)).Ended);
        Assert.Equal(to, await StatusAsync(database));
        Assert.Equal(error, await database.ValueAsync<string>("select error_type from tickets"));
    }

    [Fact]
    public async Task A_result_after_the_deadline_does_not_count_even_before_the_rescue()
    {
        await using var database = await CreateAsync();
        var ticket = await DispatchAsync(database);
        await database.ExecuteAsync("update tickets set expires_at = now() - interval '1 ms'");
        await ApplyAsync(database, Finished(ticket, "too late"));

        Assert.Equal("timed_out", await StatusAsync(database));
        Assert.True(await database.ValueAsync<bool>("select response is null and report_pending from tickets"));
    }

    [Fact]
    public async Task Waiting_too_long_to_start_and_running_too_long_each_have_their_limit()
    {
        await using var database = await CreateAsync();
        await database.ExecuteAsync("update tickets set due_at = now()");
        await Rescues(database).EndDueAsync(100, [], Cancel);
        Assert.Equal("queue_timeout", await database.ValueAsync<string>("select error_type from tickets where status = 'expired'"));

        await using var other = await CreateAsync();
        await ApplyAsync(other, Report(await DispatchAsync(other), ReportType.Started) with { ExecutionTimeoutMilliseconds = 1 });
        await other.ExecuteAsync("update tickets set due_at = due_at - interval '16 s'");
        await Rescues(other).EndDueAsync(100, [], Cancel);
        Assert.Equal("execution_timeout", await other.ValueAsync<string>("select error_type from tickets where status = 'retryable'"));
    }

    private static WorkerReport Report(TicketMessage ticket, ReportType type) =>
        new() { Type = type, Worker = "w", TicketId = ticket.TicketId, UserId = ticket.UserId, Epoch = ticket.Epoch, RunMilliseconds = 5 };

    private static WorkerReport Heartbeat(TicketMessage ticket) =>
        new() { Type = ReportType.Heartbeat, Worker = "w", Runs = [new(ticket.TicketId, ticket.Epoch)] };

    private static WorkerReport Finished(TicketMessage ticket, string response) =>
        Report(ticket, ReportType.Finished) with { Response = response };

    private static WorkerReport Failed(TicketMessage ticket) =>
        Report(ticket, ReportType.Failed) with { ErrorType = "model_error", ErrorMessage = "no" };

    private static RescueStore Rescues(ScratchDatabase database) => new(database.Source, Options.Create(_tickets));

    private static Task<ReportOutcome> ApplyAsync(ScratchDatabase database, params WorkerReport[] reports) =>
        new ReportStore(database.Source, Options.Create(new DispatchOptions()), Options.Create(_tickets)).ApplyAsync(reports, Cancel);

    private static async Task EndLeaseAsync(ScratchDatabase database)
    {
        await database.ExecuteAsync("update tickets set lease_expires = now()");
        await Rescues(database).RescueExpiredAsync(100, [], Cancel);
    }

    private static Task<string> StatusAsync(ScratchDatabase database) => database.ValueAsync<string>("select status::text from tickets");

    private static async Task<TicketMessage> DispatchAsync(ScratchDatabase database)
    {
        DispatchStore store = new(database.Source, Options.Create(new DispatchOptions()), Options.Create(new LimitOptions()));
        return Assert.Single(await store.DispatchAsync("simulated", 10, Cancel));
    }

    /// <summary>A database with one queued ticket.</summary>
    private async Task<ScratchDatabase> CreateAsync()
    {
        var database = await ScratchDatabase.CreateMigratedAsync(app);
        var user = Guid.CreateVersion7();
        await database.ExecuteAsync($"insert into users (user_id) values ('{user}')");
        TicketStore store = new(Options.Create(_tickets), Options.Create(new DispatchOptions()));
        await using var connection = await database.Source.OpenConnectionAsync(Cancel);
        await store.CreateAsync(connection, [new NewTicket(Guid.CreateVersion7(), user)], dispatch: 0);
        return database;
    }
}
