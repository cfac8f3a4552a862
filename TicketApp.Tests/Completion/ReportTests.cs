using TicketApp.Api.Completion;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;
using TicketApp.Messaging;
using TicketApp.Tests.Fixtures;
using static TicketApp.Tests.Fixtures.ScratchTicket;

namespace TicketApp.Tests.Completion;

/// <summary>What reports do to a ticket: in order, out of order, twice, and too late.</summary>
[Collection(DatabaseCollection.Name)]
public sealed class ReportTests(DatabaseServer server)
{
    private static readonly TicketOptions _tickets = new() { MaxAttempts = 2, RetryPause = TimeSpan.Zero };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_result_counts_once_and_only_under_the_current_epoch()
    {
        await using var scratch = await CreateAsync(server, _tickets);
        var ticket = await scratch.DispatchAsync();

        Assert.Empty((await scratch.ApplyAsync(Finished(ticket, "stale") with { Epoch = ticket.Epoch + 1 })).Ended);
        Assert.Equal("first", Assert.Single((await scratch.ApplyAsync(Finished(ticket, "first"))).Ended).Ticket.Response);
        Assert.Empty((await scratch.ApplyAsync(Finished(ticket, "first"))).Ended);
        Assert.Empty((await scratch.ApplyAsync(Finished(ticket, "second") with { Worker = "other" })).Ended);
        Assert.Equal("first", await scratch.Database.ValueAsync<string>("select response from tickets"));
        // The one under a wrong epoch and the other worker's are on record; the repetition is not.
        Assert.Equal(2, await scratch.Database.ValueAsync<long>("select count(*) from ticket_attempts where outcome = 'late'"));
    }

    [Fact]
    public async Task Reports_out_of_order_leave_the_end_as_it_is()
    {
        await using var scratch = await CreateAsync(server, _tickets);
        var ticket = await scratch.DispatchAsync();
        await scratch.ApplyAsync(Finished(ticket, "done"));
        await scratch.ApplyAsync(
            Report(ticket, ReportType.Started),
            Report(ticket, ReportType.Redelivered),
            Report(ticket, ReportType.Returned),
            Failed(ticket));

        Assert.Equal("succeeded", await scratch.ColumnsAsync("status"));
    }

    [Fact]
    public async Task One_batch_may_carry_everything_about_a_ticket()
    {
        await using var scratch = await CreateAsync(server, _tickets);
        var ticket = await scratch.DispatchAsync();
        var heartbeat = Heartbeat(ticket) with { Models = [new() { Name = "simulated", Description = "d", Slots = 7 }] };
        var outcome = await scratch.ApplyAsync(
            Report(ticket, ReportType.Redelivered),
            Finished(ticket, "done"),
            heartbeat,
            heartbeat,
            Report(ticket, ReportType.Started),
            Finished(ticket, "done"));

        Assert.Equal("done", Assert.Single(outcome.Ended).Ticket.Response);
        Assert.Equal(0, outcome.Late);
        Assert.Equal("succeeded", await scratch.ColumnsAsync("status"));
        Assert.Equal("7 {\"simulated\": 7}", await scratch.Database.ValueAsync<string>("select slots || ' ' || models from workers"));
        Assert.Equal("simulated", await scratch.Database.ValueAsync<string>("select name from models"));
    }

    [Fact]
    public async Task Failures_are_retried_and_the_last_one_ends_the_ticket()
    {
        await using var scratch = await CreateAsync(server, _tickets);
        await scratch.ApplyAsync(Failed(await scratch.DispatchAsync()));
        Assert.Equal("retryable", await scratch.ColumnsAsync("status"));
        await scratch.EndDueAsync();

        var last = await scratch.ApplyAsync(Failed(await scratch.DispatchAsync()));
        Assert.Equal(TicketStatus.Failed, Assert.Single(last.Ended).Ticket.Status);
        Assert.True(await scratch.IsAsync("report_pending"));
        var attempts = await scratch.Database.ValueAsync<string>(
            "select string_agg(attempt::text, ' ' order by attempt) from ticket_attempts where outcome = 'failed'");
        Assert.Equal("1 2", attempts);
    }

    [Fact]
    public async Task A_model_may_ask_for_no_other_attempt_or_for_a_longer_pause()
    {
        await using var patient = await CreateAsync(server, _tickets);
        await patient.ApplyAsync(Failed(await patient.DispatchAsync()) with { RetryAfterMilliseconds = 60_000 });
        Assert.True(await patient.IsAsync("status = 'retryable' and due_at > now() + interval '50 s'"));

        await using var final = await CreateAsync(server, _tickets);
        var outcome = await final.ApplyAsync(Failed(await final.DispatchAsync()) with { IsFinal = true });
        Assert.Equal(TicketStatus.Failed, Assert.Single(outcome.Ended).Ticket.Status);
    }

    [Fact]
    public async Task An_attempt_that_never_reached_its_model_is_on_record_and_not_charged()
    {
        await using var scratch = await CreateAsync(server, _tickets);
        for (var i = 0; i < 5; i++)
        {
            await scratch.ApplyAsync(Failed(await scratch.DispatchAsync()) with { IsRefused = true, ErrorType = "model_unavailable" });
            Assert.Equal("retryable", await scratch.ColumnsAsync("status"));
            await scratch.EndDueAsync();
        }

        Assert.Equal(0, await scratch.Database.ValueAsync<short>("select attempt from tickets"));
        Assert.Equal("1 1 1 1 1", await scratch.Database.ValueAsync<string>(
            "select string_agg(attempt::text, ' ') from ticket_attempts where outcome = 'failed'"));
    }

    [Fact]
    public async Task Progress_counts_once_and_only_while_the_ticket_runs_under_its_epoch()
    {
        await using var scratch = await CreateAsync(server, _tickets);
        var ticket = await scratch.DispatchAsync();
        var progress = Report(ticket, ReportType.Progress) with { Sequence = 1, Fraction = 0.5, Text = "Hap" };
        await scratch.ApplyAsync(progress, progress, progress with { Epoch = 2 });
        var details = System.Text.Json.JsonElement.Parse("""{"probability":0.9}""");
        await scratch.ApplyAsync(progress, Finished(ticket, "Happy message") with { Details = details });
        await scratch.ApplyAsync(progress with { Sequence = 2 });

        var stored = await scratch.Database.ValueAsync<string>(
            "select string_agg(concat_ws(' ', epoch, seq, fraction, text), ',') from ticket_progress");
        Assert.Equal("1 1 0.5 Hap", stored);
        Assert.Equal("0.9", await scratch.Database.ValueAsync<string>("select response_details::json ->> 'probability' from tickets"));

        // A finished ticket cannot be changed: made older by itself.
        await scratch.Database.ExecuteAsync(
            """
            alter table tickets disable trigger user;
            update tickets set time_finished = now() - interval '6 minutes'
            """);
        ProgressStore store = new(scratch.Database.Source);
        ProgressKey key = new(ticket.TicketId, Epoch: 1, Sequence: 1);
        Assert.Equal(key, await store.PurgeAsync(default, most: 100, Cancel));
        Assert.Null(await store.PurgeAsync(key, most: 100, Cancel));

        Assert.Equal(0, await scratch.Database.ValueAsync<long>("select count(*) from ticket_progress"));
    }

    [Fact]
    public async Task The_progress_of_earlier_epochs_goes_after_minutes_though_the_ticket_has_not_ended()
    {
        await using var scratch = await CreateAsync(server, _tickets);
        for (var i = 0; i < 3; i++)
        {
            var ticket = await scratch.DispatchAsync();
            await scratch.ApplyAsync(Report(ticket, ReportType.Progress) with { Sequence = 1, Text = "a" });
            if (i < 2)
            {
                await scratch.ApplyAsync(Report(ticket, ReportType.Returned));
            }
        }

        ProgressStore store = new(scratch.Database.Source);
        await store.PurgeAsync(default, most: 100, Cancel);
        Assert.Equal(3, await scratch.Database.ValueAsync<long>("select count(*) from ticket_progress"));
        await scratch.Database.ExecuteAsync(
            "update ticket_progress set time_reported = now() - interval '6 minutes' where epoch <> 2");
        await store.PurgeAsync(default, most: 100, Cancel);

        // The second is new, the third is the current one's.
        Assert.Equal(
            "2 3", await scratch.Database.ValueAsync<string>("select string_agg(epoch::text, ' ' order by epoch) from ticket_progress"));
    }

    [Fact]
    public async Task A_ticket_handed_back_is_not_charged_and_runs_again()
    {
        await using var scratch = await CreateAsync(server, _tickets);
        for (var i = 0; i < 5; i++)
        {
            var outcome = await scratch.ApplyAsync(Report(await scratch.DispatchAsync(), ReportType.Returned));
            Assert.Equal(["simulated"], outcome.Returned.Keys);
        }

        await scratch.ApplyAsync(Finished(await scratch.DispatchAsync(), "done"));
        Assert.Equal("succeeded", await scratch.ColumnsAsync("status"));
    }

    [Fact]
    public async Task A_lost_worker_is_charged_and_a_lost_message_is_not()
    {
        await using var scratch = await CreateAsync(server, _tickets);
        await scratch.DispatchAsync();
        await EndLeaseAsync(scratch);
        Assert.Equal(0, await scratch.Database.ValueAsync<short>("select attempt from tickets"));

        for (var attempt = 1; attempt <= 2; attempt++)
        {
            await scratch.ApplyAsync(Report(await scratch.DispatchAsync(), ReportType.Started));
            await EndLeaseAsync(scratch);
        }

        Assert.Equal("failed worker_lost", await scratch.ColumnsAsync("status, error_type"));
        Assert.Equal(2, await scratch.Database.ValueAsync<long>("select count(*) from ticket_attempts where outcome = 'worker_lost'"));
    }

    [Fact]
    public async Task A_quick_run_is_charged_only_from_its_second_redelivery_on()
    {
        await using var scratch = await CreateAsync(server, _tickets);
        foreach (var (status, attempt) in (IEnumerable<(string, short)>)[("queued", 0), ("queued", 1), ("failed", 2)])
        {
            var ticket = await scratch.DispatchAsync();
            // A broker that fails may take the message from more than one connection.
            await scratch.ApplyAsync(Report(ticket, ReportType.Redelivered));
            await scratch.ApplyAsync(Report(ticket, ReportType.Redelivered));
            await scratch.SetAsync("lease_expires = now()");
            await scratch.RescueExpiredAsync();

            Assert.Equal(status, await scratch.ColumnsAsync("status"));
            Assert.Equal(attempt, await scratch.Database.ValueAsync<short>("select attempt from tickets"));
        }

        Assert.Equal(2, await scratch.Database.ValueAsync<long>("select count(*) from ticket_attempts where outcome = 'worker_lost'"));
    }

    [Fact]
    public async Task A_heartbeat_keeps_a_lease_that_a_redelivery_had_shortened()
    {
        await using var scratch = await CreateAsync(server, _tickets);
        var ticket = await scratch.DispatchAsync();
        await scratch.ApplyAsync(Report(ticket, ReportType.Started));
        await scratch.ApplyAsync(Report(ticket, ReportType.Redelivered));
        Assert.True(await scratch.IsAsync("lease_expires < now() + interval '21 s'"));

        await scratch.ApplyAsync(Heartbeat(ticket));
        Assert.True(await scratch.IsAsync("lease_expires > now() + interval '25 s'"));
    }

    [Theory]
    [InlineData("queued", "expired", "processing_timeout")]
    [InlineData("dispatched", "expired", "processing_timeout")]
    [InlineData("running", "timed_out", "processing_timeout")]
    public async Task Whatever_runs_over_the_processing_limit_ends(string from, string to, string error)
    {
        await using var scratch = await CreateAsync(server, _tickets);
        if (from != "queued")
        {
            var ticket = await scratch.DispatchAsync();
            await scratch.ApplyAsync(from == "running" ? [Report(ticket, ReportType.Started)] : []);
        }

        await scratch.SetAsync("expires_at = now(), due_at = now()");
        Assert.Equal(1, Assert.Single(await scratch.EndDueAsync()).Ended);
        Assert.Equal($"{to} {error}", await scratch.ColumnsAsync("status, error_type"));
    }

    [Fact]
    public async Task A_result_after_the_deadline_does_not_count_even_before_the_rescue()
    {
        await using var scratch = await CreateAsync(server, _tickets);
        var ticket = await scratch.DispatchAsync();
        await scratch.SetAsync("expires_at = now() - interval '1 ms'");
        await scratch.ApplyAsync(Finished(ticket, "too late"));

        Assert.Equal("timed_out", await scratch.ColumnsAsync("status"));
        Assert.True(await scratch.IsAsync("response is null and report_pending"));
    }

    [Fact]
    public async Task Waiting_too_long_to_start_and_running_too_long_each_have_their_limit()
    {
        await using var scratch = await CreateAsync(server, _tickets);
        await scratch.SetAsync("due_at = now()");
        await scratch.EndDueAsync();
        Assert.Equal("expired queue_timeout", await scratch.ColumnsAsync("status, error_type"));

        await using var other = await CreateAsync(server, _tickets);
        await other.ApplyAsync(Report(await other.DispatchAsync(), ReportType.Started) with { ExecutionTimeoutMilliseconds = 1 });
        await other.SetAsync("due_at = due_at - interval '16 s'");
        await other.EndDueAsync();
        Assert.Equal("retryable execution_timeout", await other.ColumnsAsync("status, error_type"));
    }

    private static WorkerReport Finished(TicketMessage ticket, string response) =>
        Report(ticket, ReportType.Finished) with { RunMilliseconds = 5, Response = response };

    private static WorkerReport Failed(TicketMessage ticket) =>
        Report(ticket, ReportType.Failed) with { RunMilliseconds = 5, ErrorType = "model_error", ErrorMessage = "no" };

    private static async Task EndLeaseAsync(ScratchTicket scratch)
    {
        await scratch.SetAsync("lease_expires = now()");
        await scratch.RescueExpiredAsync();
    }
}
