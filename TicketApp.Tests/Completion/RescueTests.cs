using TicketApp.Messaging;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Completion;

/// <summary>What the rescuer makes of tickets that are due or whose leases ended, column by column.</summary>
[Collection(DatabaseCollection.Name)]
public sealed class RescueTests(DatabaseServer server)
{
    private const string AttemptSql =
        """
        select concat_ws(' ', epoch, outcome, attempt, worker, error_type, error_message)
        from ticket_attempts where time_started is not null
        """;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("queued")]
    [InlineData("dispatched")]
    [InlineData("running")]
    [InlineData("retryable")]
    public async Task A_ticket_whose_time_has_not_come_is_left_as_it_is(string status)
    {
        await using var ticket = await InAsync(status);
        var before = await ticket.Database.ValueAsync<string>("select t::text from tickets t");

        Assert.Empty(await ticket.EndDueAsync());
        Assert.Empty(await ticket.RescueExpiredAsync());
        Assert.Null(await ticket.Rescue.FirstDueAsync([], Cancel));
        Assert.Null(await ticket.Rescue.FirstExpiredAsync([], Cancel));

        Assert.Equal(before, await ticket.Database.ValueAsync<string>("select t::text from tickets t"));
    }

    [Fact]
    public async Task After_its_pause_a_ticket_waits_in_the_backlog_until_its_deadline()
    {
        await using var ticket = await InAsync("retryable");
        await ticket.SetAsync("due_at = now()");

        var outcome = Assert.Single(await ticket.EndDueAsync());

        Assert.Equal(("simulated", 0, 1, 0), (outcome.Model, outcome.Ended, outcome.Requeued, outcome.Freed));
        Assert.Equal("queued 1 model_error no", await ticket.ColumnsAsync("status, attempt, error_type, error_message"));
        Assert.True(await ticket.IsAsync("due_at = expires_at and not report_pending"));
    }

    [Fact]
    public async Task An_attempt_over_its_time_is_on_record_and_the_next_one_comes_after_a_pause()
    {
        await using var ticket = await InAsync("running");
        await ticket.SetAsync("due_at = now()");

        var outcome = Assert.Single(await ticket.EndDueAsync());

        Assert.Equal((0, 1, 1), (outcome.Ended, outcome.Requeued, outcome.Freed));
        Assert.Equal(
            "retryable 1 execution_timeout The run took too long",
            await ticket.ColumnsAsync("status, attempt, error_type, error_message"));
        Assert.True(await ticket.IsAsync(
            "due_at between now() + interval '20 s' and now() + interval '1 minute' and not report_pending and lease_expires is null"));
        Assert.Equal("1 failed 1 w execution_timeout The run took too long", await ticket.Database.ValueAsync<string>(AttemptSql));
    }

    [Fact]
    public async Task The_last_attempt_over_its_time_fails_and_no_pause_reaches_beyond_the_deadline()
    {
        await using var last = await InAsync("running");
        await last.SetAsync("due_at = now(), attempt = max_attempts");
        Assert.Equal(1, Assert.Single(await last.EndDueAsync()).Ended);
        Assert.Equal("failed execution_timeout", await last.ColumnsAsync("status, error_type"));
        Assert.True(await last.IsAsync("report_pending"));

        await using var late = await InAsync("running");
        await late.SetAsync("due_at = now(), expires_at = now() + interval '9 s'");
        await late.EndDueAsync();
        Assert.True(await late.IsAsync("status = 'retryable' and due_at = expires_at"));
    }

    [Theory]
    [InlineData("queued", 0, "expired queue_timeout")]
    [InlineData("dispatched", 1, "expired queue_timeout")]
    // One that has run before has its answer too late; it is no longer one that never started.
    [InlineData("queued", 1, "timed_out queue_timeout")]
    [InlineData("dispatched", 2, "timed_out queue_timeout")]
    public async Task A_ticket_that_waits_too_long_is_expired_only_if_it_never_ran(string status, int attempt, string end)
    {
        await using var ticket = await InAsync(status);
        await ticket.SetAsync($"due_at = now(), attempt = {attempt}");

        var outcome = Assert.Single(await ticket.EndDueAsync());

        Assert.Equal((1, status == "dispatched" ? 1 : 0), (outcome.Ended, outcome.Freed));
        Assert.Equal($"{end} Ticket waited too long to be started", await ticket.ColumnsAsync("status, error_type, error_message"));
        Assert.True(await ticket.IsAsync("report_pending and lease_expires is null"));
        Assert.Equal(0, await ticket.Database.ValueAsync<long>("select count(*) from ticket_attempts"));
    }

    [Fact]
    public async Task Over_its_deadline_a_ticket_ends_whatever_it_waits_for_and_is_told_why()
    {
        foreach (var (status, end) in ((string, string)[])[("retryable", "timed_out"), ("running", "timed_out"), ("queued", "expired")])
        {
            await using var ticket = await InAsync(status);
            await ticket.SetAsync("due_at = now(), expires_at = now()");
            await ticket.EndDueAsync();

            Assert.Equal(
                $"{end} processing_timeout Ticket processing request timeout",
                await ticket.ColumnsAsync("status, error_type, error_message"));
        }
    }

    [Fact]
    public async Task A_ticket_that_lost_its_worker_is_as_if_it_had_not_started_and_the_attempt_is_on_record()
    {
        await using var ticket = await InAsync("running");
        Assert.False(await ticket.IsAsync("due_at = expires_at and worker is null"));
        await ticket.SetAsync("lease_expires = now(), due_at = now() + interval '1 minute'");

        var outcome = Assert.Single(await ticket.RescueExpiredAsync());

        Assert.Equal(("simulated", 0, 1, 1), (outcome.Model, outcome.Ended, outcome.Requeued, outcome.Freed));
        Assert.Equal("queued 1 worker_lost The worker was lost", await ticket.ColumnsAsync("status, attempt, error_type, error_message"));
        Assert.True(await ticket.IsAsync("due_at = expires_at and worker is null and time_started is null and not report_pending"));
        Assert.Equal("1 worker_lost 1 w worker_lost The worker was lost", await ticket.Database.ValueAsync<string>(AttemptSql));
    }

    [Fact]
    public async Task A_lost_message_leaves_no_trace_but_the_limit_of_its_wait()
    {
        await using var ticket = await InAsync("dispatched");
        await ticket.SetAsync("lease_expires = now(), due_at = now() + interval '1 minute', attempt = max_attempts");

        Assert.Equal(1, Assert.Single(await ticket.RescueExpiredAsync()).Requeued);

        Assert.Equal("queued 1", await ticket.ColumnsAsync("status, attempt, error_type, error_message"));
        Assert.True(await ticket.IsAsync("due_at < expires_at"));
        Assert.Equal(0, await ticket.Database.ValueAsync<long>("select count(*) from ticket_attempts"));
    }

    [Fact]
    public async Task A_ticket_that_lost_its_last_worker_keeps_what_is_known_of_the_run()
    {
        await using var ticket = await InAsync("running");
        await ticket.SetAsync("lease_expires = now(), attempt = max_attempts");

        Assert.Equal(1, Assert.Single(await ticket.RescueExpiredAsync()).Ended);

        Assert.Equal("failed w worker_lost", await ticket.ColumnsAsync("status, worker, error_type"));
        Assert.True(await ticket.IsAsync("report_pending and time_started is not null"));
    }

    [Fact]
    public async Task A_canceled_ticket_that_lost_its_worker_is_no_error()
    {
        await using var ticket = await InAsync("running");
        await ticket.SetAsync("lease_expires = now(), status = 'canceling', attempt = max_attempts");

        Assert.Equal(1, Assert.Single(await ticket.RescueExpiredAsync()).Ended);

        Assert.Equal("canceled w", await ticket.ColumnsAsync("status, worker, error_type"));
        Assert.True(await ticket.IsAsync("not report_pending and time_started is not null"));
        Assert.Equal(0, await ticket.Database.ValueAsync<long>("select count(*) from ticket_attempts"));
    }

    [Theory]
    [InlineData("running", "5 s", true)]
    [InlineData("canceling", "-5 s", true)]
    [InlineData("running", "25 s", false)]
    // No heartbeat is to come for what is not known to run.
    [InlineData("dispatched", "5 s", false)]
    public async Task Leases_are_extended_by_the_time_of_two_heartbeats_and_never_shortened(
        string status, string left, bool extended)
    {
        await using var ticket = await InAsync(status == "dispatched" ? status : "running");
        await ticket.SetAsync($"status = '{status}', lease_expires = now() + interval '{left}'");
        var before = await ticket.ColumnsAsync("lease_expires");

        await ticket.Rescue.ExtendLeasesAsync(Cancel);

        Assert.Equal(extended, before != await ticket.ColumnsAsync("lease_expires"));
        Assert.True(!extended || await ticket.IsAsync("lease_expires between now() + interval '16 s' and now() + interval '20 s'"));
    }

    [Fact]
    public async Task Tickets_are_taken_by_the_time_at_which_they_were_due_but_for_those_that_are_left_out()
    {
        await using var ticket = await InAsync("queued");
        Guid[] ids = [Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7()];
        // The ids sort the other way around than the times.
        await ticket.Database.ExecuteAsync(string.Concat(ids.Select((id, i) =>
            $"""
            insert into tickets (ticket_id, user_id, status, queue_key, expires_at, due_at)
                select '{id}', user_id, 'queued', 1, now() + interval '1 hour', now() - interval '{i + 1} s' from users;
            """)));

        Assert.Equal(ids[2], await ticket.Rescue.FirstDueAsync([], Cancel));
        Assert.Equal(ids[1], await ticket.Rescue.FirstDueAsync([ids[2]], Cancel));
        Assert.Equal(1, Assert.Single(await ticket.Rescue.EndDueAsync(1, [ids[2]], Cancel)).Ended);
        Assert.Equal(ids[1], await ticket.Database.ValueAsync<Guid>("select ticket_id from tickets where time_finished is not null"));

        // All but the one that has ended are lost, the first one last.
        await ticket.Database.ExecuteAsync(
            $"""
            update tickets set status = 'running', lease_expires = least(due_at, now()) where ticket_id <> '{ids[1]}';
            update tickets set status = 'dispatched' where ticket_id = '{ids[0]}'
            """);
        Assert.Equal(ids[2], await ticket.Rescue.FirstExpiredAsync([], Cancel));
        Assert.Equal(ids[0], await ticket.Rescue.FirstExpiredAsync([ids[2]], Cancel));
        Assert.Equal(1, Assert.Single(await ticket.Rescue.RescueExpiredAsync(1, [ids[2]], Cancel)).Requeued);
        Assert.Equal(ids[0], await ticket.Database.ValueAsync<Guid>("select ticket_id from tickets where status = 'queued'"));
    }

    [Theory]
    [InlineData("refused by the broker", "null", 0)]
    [InlineData("refused by the broker", "7", 7)]
    [InlineData("returned", "null", 0)]
    [InlineData("returned", "7", 7)]
    [InlineData("failed", "null", 0)]
    [InlineData("failed", "7", 7)]
    [InlineData("lost", "null", 0)]
    [InlineData("lost", "7", 7)]
    [InlineData("over its time", "null", 0)]
    [InlineData("over its time", "7", 7)]
    public async Task A_ticket_returns_to_its_place_in_the_backlog_and_one_that_had_none_to_the_head(string how, string key, int place)
    {
        await using var ticket = await ScratchTicket.CreateAsync(server);
        var message = how is "lost" or "over its time" ? await ticket.StartAsync() : await ticket.DispatchAsync();
        // One that was dispatched when it was stored has no place.
        await ticket.SetAsync($"queue_key = {key}");
        switch (how)
        {
            case "refused by the broker":
                await ticket.Dispatch.ReturnAsync([message], Cancel);
                break;
            case "lost":
                await ticket.SetAsync("lease_expires = now()");
                await ticket.RescueExpiredAsync();
                break;
            case "over its time":
                await ticket.SetAsync("due_at = now()");
                await ticket.EndDueAsync();
                break;
            default:
                await ticket.ApplyAsync(ScratchTicket.Report(message, how == "failed" ? ReportType.Failed : ReportType.Returned));
                break;
        }

        // What failed has its pause first.
        await ticket.SetAsync("due_at = case status when 'retryable' then now() else due_at end");
        await ticket.EndDueAsync();

        Assert.Equal($"queued {place}", await ticket.ColumnsAsync("status, queue_key"));
    }

    /// <summary>A ticket in a state, by the way that leads there.</summary>
    private async Task<ScratchTicket> InAsync(string status)
    {
        var ticket = await ScratchTicket.CreateAsync(server);
        if (status == "dispatched")
        {
            await ticket.DispatchAsync();
        }
        else if (status == "running")
        {
            await ticket.StartAsync();
        }
        else if (status == "retryable")
        {
            await ticket.ApplyAsync(
                ScratchTicket.Report(await ticket.StartAsync(), ReportType.Failed) with { ErrorType = "model_error", ErrorMessage = "no" });
        }

        Assert.Equal(status, await ticket.ColumnsAsync("status"));
        return ticket;
    }
}
