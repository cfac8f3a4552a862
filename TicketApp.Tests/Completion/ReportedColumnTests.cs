using TicketApp.Api.Storage;
using TicketApp.Messaging;
using TicketApp.Tests.Fixtures;
using static TicketApp.Tests.Fixtures.ScratchTicket;

namespace TicketApp.Tests.Completion;

/// <summary>What each report writes to its ticket, column by column.</summary>
[Collection(DatabaseCollection.Name)]
public sealed class ReportedColumnTests(DatabaseServer server)
{
    [Fact]
    public async Task A_start_dates_back_to_when_the_run_began_and_sets_its_limit()
    {
        await using var ticket = await CreateAsync(server);
        var started = Report(await ticket.DispatchAsync(), ReportType.Started) with
        {
            RunMilliseconds = 2000,
            ExecutionTimeoutMilliseconds = 60_000,
        };

        await ticket.ApplyAsync(started);

        Assert.Equal("running w", await ticket.ColumnsAsync("status, worker"));
        Assert.True(await ticket.IsAsync("time_started between now() - interval '5 s' and now() - interval '2 s'"));
        // The limit and 15 s for its worker to say so.
        Assert.True(await ticket.IsAsync("due_at - time_started between interval '74 s' and interval '76 s'"));
        Assert.True(await ticket.IsAsync("lease_expires between now() + interval '20 s' and now() + interval '30 s'"));

        var begun = await ticket.ColumnsAsync("time_started");
        await ticket.ApplyAsync(started with { RunMilliseconds = 0 });
        Assert.Equal(begun, await ticket.ColumnsAsync("time_started"));
    }

    [Fact]
    public async Task No_limit_of_a_run_reaches_beyond_the_deadline()
    {
        await using var ticket = await CreateAsync(server);
        var started = Report(await ticket.DispatchAsync(), ReportType.Started);
        foreach (var limit in (long?[])[null, long.MaxValue, 3_600_000])
        {
            await ticket.SetAsync("due_at = now()");
            await ticket.ApplyAsync(started with { ExecutionTimeoutMilliseconds = limit });
            Assert.True(await ticket.IsAsync("due_at = expires_at"));
        }
    }

    [Fact]
    public async Task A_returned_run_leaves_nothing_behind_and_one_that_never_began_keeps_the_limit_of_its_wait()
    {
        await using var started = await CreateAsync(server);
        await started.ApplyAsync(Report(await started.StartAsync(), ReportType.Returned));
        Assert.Equal("queued 0", await started.ColumnsAsync("status, attempt, worker, time_started, lease_expires"));
        Assert.True(await started.IsAsync("due_at = expires_at"));

        await using var waiting = await CreateAsync(server);
        var ticket = await waiting.DispatchAsync();
        await waiting.SetAsync("due_at = now() + interval '1 minute'");
        await waiting.ApplyAsync(Report(ticket, ReportType.Returned));
        Assert.Equal("queued 0", await waiting.ColumnsAsync("status, attempt, worker, time_started, lease_expires"));
        Assert.True(await waiting.IsAsync("due_at < expires_at"));
    }

    [Theory]
    [InlineData(ReportType.Returned)]
    [InlineData(ReportType.Failed)]
    public async Task A_canceled_run_that_its_worker_stops_keeps_what_is_known_of_it(ReportType report)
    {
        await using var ticket = await CreateAsync(server);
        var message = await ticket.StartAsync();
        await ticket.SetAsync("status = 'canceling'");

        var outcome = await ticket.ApplyAsync(Report(message, report) with { IsRefused = true, ErrorType = "of-mine" });

        Assert.Equal("canceled 1 w", await ticket.ColumnsAsync("status, attempt, worker, error_type, error_message"));
        Assert.True(await ticket.IsAsync("time_started is not null and not report_pending"));
        Assert.Equal(0, await ticket.Database.ValueAsync<long>("select count(*) from ticket_attempts"));
        Assert.Equal((1, false, 0), (outcome.Left["simulated"], outcome.HasErrors, outcome.Returned.Count));
    }

    [Fact]
    public async Task A_quick_result_says_when_its_run_began()
    {
        await using var ticket = await CreateAsync(server);
        var message = await ticket.DispatchAsync();

        var outcome = await ticket.ApplyAsync(
            Report(message, ReportType.Finished) with { Response = new("[1]", IsJson: true), RunMilliseconds = 3000 });

        Assert.Equal("succeeded w [1] t", await ticket.ColumnsAsync("status, worker, response, response_json, error_type"));
        Assert.True(await ticket.IsAsync("time_finished - time_started = interval '3 s' and not report_pending"));
        Assert.Equal((1, false, 3000), (outcome.Left["simulated"], outcome.HasErrors, outcome.Ended[0].Run.TotalMilliseconds));
        Assert.InRange(outcome.Ended[0].Ticket.Age, TimeSpan.Zero, TimeSpan.FromMinutes(5));
    }

    [Fact]
    public async Task Of_a_result_after_the_deadline_nothing_is_kept()
    {
        await using var ticket = await CreateAsync(server);
        var message = await ticket.StartAsync();
        await ticket.SetAsync("expires_at = now() - interval '1 ms'");

        var outcome = await ticket.ApplyAsync(Report(message, ReportType.Finished) with
        {
            Response = new("[1]", IsJson: true),
            Details = System.Text.Json.JsonElement.Parse("{}"),
        });

        Assert.Equal(
            "timed_out f processing_timeout Ticket processing request timeout",
            await ticket.ColumnsAsync("status, response, response_json, response_details, error_type, error_message"));
        Assert.True(outcome.HasErrors);
    }

    [Fact]
    public async Task The_pause_after_a_failure_doubles_up_to_the_longest_and_jitter_shortens_it_by_half_at_most()
    {
        await using var ticket = await CreateAsync(server, new()
        {
            MaxAttempts = 6,
            RetryPause = TimeSpan.FromSeconds(20),
            MaxRetryPause = TimeSpan.FromSeconds(90),
            Deadline = TimeSpan.FromHours(1),
        });
        foreach (var pause in (int[])[20, 40, 80, 90, 90])
        {
            await ticket.ApplyAsync(Report(await ticket.StartAsync(), ReportType.Failed));
            Assert.True(await ticket.IsAsync($"due_at between now() + interval '{(pause / 2) - 3} s' and now() + interval '{pause} s'"));
            await ticket.SetAsync("due_at = now()");
            await ticket.EndDueAsync();
        }
    }

    [Theory]
    [InlineData(10, "due_at between now() + interval '20 s' and now() + interval '60 s'")]
    [InlineData(100, "due_at between now() + interval '95 s' and now() + interval '100 s'")]
    [InlineData(1_000_000, "due_at = expires_at")]
    [InlineData(-1, "due_at between now() + interval '20 s' and now() + interval '60 s'")]
    public async Task A_model_may_ask_for_a_longer_pause_only_and_within_the_deadline(long seconds, string pause)
    {
        await using var ticket = await CreateAsync(server);

        await ticket.ApplyAsync(Report(await ticket.StartAsync(), ReportType.Failed) with { RetryAfterMilliseconds = seconds * 1000 });

        Assert.True(await ticket.IsAsync(pause));
    }

    [Fact]
    public async Task No_pause_is_longer_than_a_day_whatever_the_model_asks_for()
    {
        await using var ticket = await CreateAsync(server, new() { Deadline = TimeSpan.FromDays(30) });

        await ticket.ApplyAsync(Report(await ticket.StartAsync(), ReportType.Failed) with { RetryAfterMilliseconds = long.MaxValue });

        Assert.True(await ticket.IsAsync("due_at between now() + interval '23 hours' and now() + interval '1 day'"));
    }

    [Fact]
    public async Task A_failure_is_on_record_with_its_run_and_the_last_one_goes_to_errors()
    {
        await using var ticket = await CreateAsync(server);
        var failed = Report(await ticket.DispatchAsync(), ReportType.Failed) with
        {
            RunMilliseconds = 3000,
            ErrorType = "of-mine",
            ErrorMessage = "no",
        };
        var first = await ticket.ApplyAsync(failed);
        Assert.Equal("retryable 1 w of-mine no", await ticket.ColumnsAsync("status, attempt, worker, error_type, error_message"));
        Assert.True(await ticket.IsAsync("time_started between now() - interval '9 s' and now() - interval '3 s' and not report_pending"));
        Assert.Equal((1, 1, false), (first.Left["simulated"], first.Returned["simulated"], first.HasErrors));

        await ticket.SetAsync("due_at = now()");
        await ticket.EndDueAsync();
        var last = await ticket.ApplyAsync(failed with { Epoch = (await ticket.DispatchAsync()).Epoch, ErrorType = null });
        Assert.Equal("failed 2 model_error", await ticket.ColumnsAsync("status, attempt, error_type"));
        Assert.Equal((1, 0, true), (last.Left["simulated"], last.Returned.Count, last.HasErrors));
        Assert.Equal("1 w of-mine no,2 w model_error no", await ticket.Database.ValueAsync<string>(
            """
            select string_agg(concat_ws(' ', attempt, worker, error_type, error_message), ',' order by epoch)
            from ticket_attempts where outcome = 'failed' and time_started is not null
            """));
    }

    [Fact]
    public async Task A_refusal_is_not_charged_even_at_the_last_attempt_unless_it_is_final()
    {
        await using var ticket = await CreateAsync(server);
        await ticket.SetAsync("max_attempts = 1");
        var refused = Report(await ticket.StartAsync(), ReportType.Failed) with { IsRefused = true };
        await ticket.ApplyAsync(refused);
        Assert.Equal("retryable 0", await ticket.ColumnsAsync("status, attempt"));

        await ticket.SetAsync("due_at = now()");
        await ticket.EndDueAsync();
        await ticket.ApplyAsync(refused with { Epoch = (await ticket.StartAsync()).Epoch, IsFinal = true });
        Assert.Equal("failed", await ticket.ColumnsAsync("status"));
    }

    [Fact]
    public async Task A_redelivery_leaves_time_for_a_heartbeat_and_never_more_than_was_left()
    {
        await using var quick = await CreateAsync(server);
        await quick.ApplyAsync(Report(await quick.DispatchAsync(), ReportType.Redelivered));
        Assert.Equal("dispatched 1", await quick.ColumnsAsync("status, attempt, time_started"));
        Assert.True(await quick.IsAsync("lease_expires between now() - interval '5 s' and now() + interval '2 s'"));

        await using var running = await CreateAsync(server);
        var ticket = await running.StartAsync(milliseconds: 3000);
        var begun = await running.ColumnsAsync("time_started");
        await running.ApplyAsync(Report(ticket, ReportType.Redelivered));
        Assert.Equal("running " + begun, await running.ColumnsAsync("status, time_started"));
        Assert.True(await running.IsAsync("lease_expires between now() + interval '16 s' and now() + interval '20 s'"));
        Assert.Equal("1 redelivered 1", await running.Database.ValueAsync<string>(
            "select concat_ws(' ', epoch, outcome, attempt) from ticket_attempts"));

        await running.SetAsync("lease_expires = now()");
        await running.ApplyAsync(Report(ticket, ReportType.Redelivered));
        Assert.True(await running.IsAsync("lease_expires <= now()"));
    }

    [Fact]
    public async Task A_second_redelivery_under_another_epoch_is_taken_for_a_run()
    {
        await using var ticket = await CreateAsync(server);
        await ticket.ApplyAsync(Report(await ticket.DispatchAsync(), ReportType.Redelivered));
        await ticket.SetAsync("lease_expires = now()");
        await ticket.RescueExpiredAsync();

        await ticket.ApplyAsync(Report(await ticket.DispatchAsync(), ReportType.Redelivered));

        Assert.Equal("running 1", await ticket.ColumnsAsync("status, attempt"));
        Assert.True(await ticket.IsAsync("time_started is not null"));
    }

    [Fact]
    public async Task An_attempt_that_failed_before_makes_a_redelivery_no_run()
    {
        await using var ticket = await CreateAsync(server);
        await ticket.ApplyAsync(Report(await ticket.StartAsync(), ReportType.Failed));
        await ticket.SetAsync("due_at = now()");
        await ticket.EndDueAsync();

        await ticket.ApplyAsync(Report(await ticket.DispatchAsync(), ReportType.Redelivered));

        Assert.Equal("dispatched", await ticket.ColumnsAsync("status"));
    }

    [Fact]
    public async Task A_heartbeat_under_another_epoch_keeps_no_lease_and_its_run_is_not_wanted()
    {
        await using var ticket = await CreateAsync(server);
        var message = await ticket.StartAsync();
        await ticket.SetAsync("lease_expires = now()");

        var other = await ticket.ApplyAsync(Heartbeat(message with { Epoch = 2 }));
        Assert.Equal([new(message.TicketId, 2)], other.Canceled);
        Assert.True(await ticket.IsAsync("lease_expires <= now()"));

        Assert.Empty((await ticket.ApplyAsync(Heartbeat(message))).Canceled);
        Assert.True(await ticket.IsAsync("lease_expires > now() + interval '20 s'"));

        await ticket.ApplyAsync(Report(message, ReportType.Finished) with { Response = "done" });
        Assert.Equal([new(message.TicketId, 1)], (await ticket.ApplyAsync(Heartbeat(message))).Canceled);
    }

    [Theory]
    [InlineData(ReportType.Finished, false)]
    [InlineData(ReportType.Failed, false)]
    [InlineData(ReportType.Returned, true)]
    public async Task A_result_is_late_unless_the_same_worker_has_said_the_ticket_s_end_before(ReportType end, bool isLate)
    {
        await using var ticket = await CreateAsync(server);
        var message = await ticket.StartAsync();
        await ticket.ApplyAsync(Report(message, end));
        var finished = Report(message, ReportType.Finished) with { Response = "again" };

        Assert.Equal(isLate ? 1 : 0, (await ticket.ApplyAsync(finished)).Late);
        Assert.Equal(isLate ? 0 : 1, (await ticket.ApplyAsync(finished with { Worker = "other" })).Late);
        Assert.Equal("1 late late", await ticket.Database.ValueAsync<string>(
            "select concat_ws(' ', epoch, outcome, error_type) from ticket_attempts where outcome = 'late'"));
    }
}
