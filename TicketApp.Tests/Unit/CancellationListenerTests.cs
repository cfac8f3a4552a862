using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using TicketApp.Messaging;
using TicketApp.Worker.Runs;

namespace TicketApp.Tests.Unit;

public sealed class CancellationListenerTests
{
    private readonly ActiveRuns _runs = new();

    [Fact]
    public void A_run_in_hand_is_stopped_and_one_that_comes_later_is_known()
    {
        CancellationListener notices = new(_runs, TimeProvider.System, NullLogger<CancellationListener>.Instance);
        using Run run = new(Ticket(), new PendingDelivery(default, tickets: 1), TimeSpan.FromMinutes(1));
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
    [InlineData("")]
    [InlineData("null")]
    [InlineData("""{"runs":null}""")]
    [InlineData("""{"runs":[{}],"remember_seconds":-5}""")]
    public void Nonsense_is_passed_over(string body) =>
        new CancellationListener(_runs, TimeProvider.System, NullLogger<CancellationListener>.Instance)
            .Hear(System.Text.Encoding.UTF8.GetBytes(body));

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
