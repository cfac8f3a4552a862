using TicketApp.Api.Completion;
using TicketApp.Api.Storage;

namespace TicketApp.Tests.Completion.Unit;

public sealed class ReportOutcomeTests
{
    [Theory]
    [InlineData("Succeeded", true, false, false)]
    [InlineData("Failed", true, false, true)]
    [InlineData("TimedOut", true, false, true)]
    [InlineData("Canceled", true, false, false)]
    [InlineData("Queued", false, true, false)]
    [InlineData("Retryable", false, true, false)]
    public void A_ticket_that_left_its_window_has_ended_or_is_returned_and_some_ends_are_errors(
        string status, bool ended, bool returned, bool error)
    {
        ReportOutcome outcome = new();
        outcome.Add(new(Guid.NewGuid(), Guid.NewGuid(), Enum.Parse<TicketStatus>(status), null, TimeSpan.Zero), "m", 7);
        outcome.Add(new(Guid.NewGuid(), Guid.NewGuid(), Enum.Parse<TicketStatus>(status), null, TimeSpan.Zero), "m", 7);

        Assert.Equal(2, outcome.Left["m"]);
        Assert.Equal(ended ? [("m", 7), ("m", 7)] : [], outcome.Ended.Select(end => (end.Model, (int)end.Run.TotalMilliseconds)));
        Assert.Equal(returned ? 2 : 0, outcome.Returned.GetValueOrDefault("m"));
        Assert.Equal(error, outcome.HasErrors);
    }
}
