using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using TicketApp.Messaging;
using TicketApp.Messaging.Broker;
using TicketApp.Worker.Runs;

namespace TicketApp.Tests.Runs.Unit;

public sealed class CancellationListenerTests
{
    private readonly ActiveRuns _runs = new();

    [Fact]
    public void A_run_in_hand_is_stopped_and_one_that_comes_later_is_known()
    {
        CancellationListener notices = new(_runs, TimeProvider.System, NullLogger<CancellationListener>.Instance);
        using Run run = new(Ticket(), new PendingDelivery(default, parts: 1), TimeSpan.FromMinutes(1));
        _runs.Add(run);
        RunReference later = new(Guid.NewGuid(), 7);
        CancellationMessage message = new() { Runs = [run.Reference, later], RememberSeconds = 30 };
        notices.Hear(JsonSerializer.SerializeToUtf8Bytes(message, ContractJson.Default.CancellationMessage));

        Assert.True(run.IsStopped);
        Assert.True(run.Token.IsCancellationRequested);
        Assert.True(notices.Contains(later));
        // A retry of the ticket is another run.
        Assert.False(notices.Contains(later with { Epoch = 8 }));
    }

    [Theory]
    [InlineData(30, 29, true)]
    [InlineData(30, 30, false)]
    [InlineData(-5, 0, false)]
    [InlineData(int.MaxValue, 3599, true)]
    [InlineData(int.MaxValue, 3600, false)]
    public void A_notice_is_remembered_as_long_as_it_says_and_an_hour_at_most(int remembered, int later, bool isKnown)
    {
        Clock clock = new();
        CancellationListener notices = new(_runs, clock, NullLogger<CancellationListener>.Instance);
        RunReference run = new(Guid.NewGuid(), 1);
        Hear(notices, new() { Runs = [run], RememberSeconds = remembered });

        clock.Now += TimeSpan.FromSeconds(later);
        Assert.Equal(isKnown, notices.Contains(run));
        // The next notice, of another run, changes nothing about this one.
        Hear(notices, new() { Runs = [new(Guid.NewGuid(), 1)], RememberSeconds = 1 });
        Assert.Equal(isKnown, notices.Contains(run));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("""{"runs":null}""")]
    [InlineData("""{"runs":[{}],"remember_seconds":-5}""")]
    public void Nonsense_is_passed_over(string body) =>
        new CancellationListener(_runs, TimeProvider.System, NullLogger<CancellationListener>.Instance)
            .Hear(System.Text.Encoding.UTF8.GetBytes(body));

    private static void Hear(CancellationListener notices, CancellationMessage message) =>
        notices.Hear(JsonSerializer.SerializeToUtf8Bytes(message, ContractJson.Default.CancellationMessage));

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch;

        public override DateTimeOffset GetUtcNow() => Now;
    }

    private static TicketMessage Ticket() => new()
    {
        TicketId = Guid.NewGuid(),
        UserId = Guid.NewGuid(),
        Model = "simulated",
        Attempt = 1,
        Epoch = 1,
        Deadline = DateTimeOffset.MaxValue,
    };
}
