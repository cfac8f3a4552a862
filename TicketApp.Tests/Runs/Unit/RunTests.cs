using TicketApp.Messaging;
using TicketApp.Messaging.Broker;
using TicketApp.Worker.Runs;

namespace TicketApp.Tests.Runs.Unit;

public sealed class RunTests
{
    private static readonly TimeSpan _minute = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    private static TicketMessage Ticket { get; } = new()
    {
        TicketId = Guid.CreateVersion7(),
        UserId = Guid.CreateVersion7(),
        Model = "m",
        Attempt = 2,
        Epoch = 3,
        Deadline = DateTimeOffset.UtcNow.AddMinutes(5),
        TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    };

    [Theory]
    [InlineData(0, 60)]
    [InlineData(10, 10)]
    [InlineData(59, 59)]
    [InlineData(100, 60)]
    public void A_ticket_may_ask_for_less_time_than_the_worker_gives_and_not_for_more(int asked, int given)
    {
        using var run = New(Ticket with { ExecutionTimeoutSeconds = asked });

        Assert.Equal(TimeSpan.FromSeconds(given), run.Limit);
        Assert.InRange(
            run.ForModel().Ends, DateTimeOffset.UtcNow.AddSeconds(given - 5), DateTimeOffset.UtcNow.AddSeconds(given));
    }

    [Fact]
    public void A_run_ends_once_whoever_says_so_first()
    {
        using var run = New(Ticket);
        Assert.False(run.HasEnded);

        Assert.True(run.TryEnd());
        Assert.False(run.TryEnd("model_error"));
        Assert.True(run.HasEnded);
    }

    [Fact]
    public void A_run_is_told_to_stop_once_and_not_after_its_time_was_over()
    {
        using var stopped = New(Ticket);
        Assert.True(stopped.Stop());
        Assert.False(stopped.Stop());
        Assert.True(stopped.IsStopped && stopped.Token.IsCancellationRequested);

        using var late = New(Ticket, TimeSpan.FromMilliseconds(1));
        late.Start();
        Assert.True(late.Token.WaitHandle.WaitOne(_limit));
        Assert.False(late.Stop());
        Assert.False(late.IsStopped);
    }

    [Fact]
    public void A_model_that_fails_when_it_is_told_to_stop_does_not_fail_the_one_that_tells_it()
    {
        using var run = New(Ticket);
        run.Token.Register(() => throw new InvalidOperationException("no"));
        Assert.True(run.Stop());

        var ended = New(Ticket);
        ended.Dispose();
        Assert.True(ended.Stop());
    }

    [Fact]
    public void A_model_that_does_not_stop_is_left_to_itself_seconds_after_it_was_told()
    {
        using var stopped = New(Ticket);
        stopped.Start();
        stopped.Stop();
        using var late = New(Ticket, TimeSpan.FromMilliseconds(1));
        late.Start();

        Assert.False(stopped.Abandoned.IsCancellationRequested);
        Assert.True(stopped.Abandoned.WaitHandle.WaitOne(_limit));
        Assert.True(late.Abandoned.WaitHandle.WaitOne(_limit));
    }

    [Fact]
    public void A_ticket_that_waited_here_longer_than_its_lease_is_stale()
    {
        using var stale = New(Ticket with { StartWithinSeconds = 1 });
        using var patient = New(Ticket with { StartWithinSeconds = 3600 });
        using var unlimited = New(Ticket with { StartWithinSeconds = 0 });
        Assert.False(stale.IsStale);

        Assert.True(SpinWait.SpinUntil(() => stale.IsStale, _limit));
        Assert.False(patient.IsStale);
        Assert.False(unlimited.IsStale);
    }

    [Fact]
    public void A_run_lasts_from_its_start_and_says_what_its_model_may_know()
    {
        using var run = New(Ticket);
        Assert.Equal((false, TimeSpan.Zero), (run.HasStarted, run.Elapsed));
        run.Start();

        Assert.True(run.HasStarted);
        Assert.True(SpinWait.SpinUntil(() => run.Elapsed > TimeSpan.FromMilliseconds(5), _limit));
        var seen = run.ForModel();
        Assert.Equal((Ticket.TicketId, 2, Ticket.Deadline), (seen.TicketId, seen.Attempt, seen.Deadline));
        Assert.Same(run.Progress, seen.Progress);
        var report = run.Report(ReportType.Finished, "w");
        Assert.Equal(
            ("w", Ticket.TicketId, Ticket.UserId, 3, Ticket.TraceParent),
            (report.Worker, report.TicketId, report.UserId, report.Epoch, report.TraceParent));
        Assert.InRange(report.RunMilliseconds, 5, 60_000);
    }

    [Fact]
    public void A_message_that_comes_again_is_adopted_by_its_run_under_its_own_epoch_only()
    {
        ActiveRuns runs = new();
        var run = New(Ticket);
        runs.Add(run);
        PendingDelivery again = new(default, parts: 1);

        Assert.False(runs.TryAdopt(run.Reference with { Epoch = 4 }, again));
        Assert.True(runs.TryAdopt(run.Reference, again));
        Assert.Same(run, runs.Find(run.Reference));
        Assert.Equal((1, 1, 0), (runs.Count, runs.CountOf("m"), runs.CountOf("other")));
        Assert.Same(again, runs.Remove(run));
        Assert.Equal((0, 0), (runs.Count, runs.All.Count));
        Assert.Null(runs.Find(run.Reference));
    }

    [Fact]
    public void A_message_is_done_with_when_the_last_of_its_tickets_is()
    {
        PendingDelivery message = new(default, parts: 3);

        Assert.Equal([false, false, true], [message.Complete(), message.Complete(), message.Complete()]);
    }

    [Theory]
    [InlineData("a\0b", "a\uFFFDb")]
    [InlineData("", "")]
    public void A_report_says_nothing_that_the_database_cannot_hold(string said, string reported)
    {
        Assert.Equal(reported, Reportable.Text(said));
        Assert.Equal(reported, Reportable.Error(said));
        Assert.Equal(reported, Reportable.ErrorType(said));
        Assert.Equal((1000, 1000), (Reportable.Error(new('x', 1000)).Length, Reportable.Error(new('x', 1001)).Length));
        Assert.Equal((50, 50), (Reportable.ErrorType(new('x', 50)).Length, Reportable.ErrorType(new('x', 51)).Length));
    }

    private static Run New(TicketMessage ticket, TimeSpan? limit = null) =>
        new(ticket, new PendingDelivery(default, parts: 1), limit ?? _minute);
}
