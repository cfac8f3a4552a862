using Microsoft.Extensions.Primitives;
using TicketApp.Api.Facades.Replicate;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;
using TicketApp.Messaging;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Facades.Unit;

/// <summary>How tickets become predictions, and requests for predictions tickets.</summary>
public sealed class PredictionTests
{
    private static readonly DateTime _created = new(2026, 1, 31, 12, 0, 0, DateTimeKind.Utc);

    private static readonly TicketRecord _row = new()
    {
        TicketId = Guid.CreateVersion7(),
        UserId = Guid.CreateVersion7(),
        Status = TicketStatus.Queued,
        Model = "simulated",
        Priority = TicketPriority.Normal,
        MaxAttempts = 3,
        Created = _created,
        Expires = _created.AddMinutes(5),
    };

    private readonly PredictionPresenter _presenter = new(TestCursors.Create());

    [Theory]
    [InlineData(TicketStatus.Queued, "starting", "starting")]
    [InlineData(TicketStatus.Retryable, "starting", "starting")]
    [InlineData(TicketStatus.Dispatched, "starting", "starting")]
    [InlineData(TicketStatus.Running, "processing", "processing")]
    [InlineData(TicketStatus.Canceling, "processing", "processing")]
    [InlineData(TicketStatus.Succeeded, "succeeded", "succeeded")]
    [InlineData(TicketStatus.Failed, "failed", "failed")]
    [InlineData(TicketStatus.Canceled, "canceled", "canceled")]
    [InlineData(TicketStatus.TimedOut, "failed", "canceled")]
    [InlineData(TicketStatus.Expired, "failed", "aborted")]
    public void Only_a_deadline_of_its_own_cancels_or_aborts_a_prediction(
        object status, string expected, string expectedWithDeadline)
    {
        var row = _row with { Status = (TicketStatus)status };

        Assert.Equal(expected, _presenter.Show(row, "").Status);
        Assert.Equal(expectedWithDeadline, _presenter.Show(row with { DeadlineS = 300 }, "").Status);
    }

    [Theory]
    [InlineData(TicketStatus.Failed)]
    [InlineData(TicketStatus.TimedOut)]
    [InlineData(TicketStatus.Expired)]
    public void One_that_failed_always_says_why(object status)
    {
        var row = _row with { Status = (TicketStatus)status, Finished = _created.AddMinutes(5) };

        Assert.NotNull(_presenter.Show(row, "").Error);
        Assert.Equal("why", _presenter.Show(row with { ErrorMessage = "why" }, "").Error);
    }

    [Fact]
    public void Times_are_told_as_far_as_they_are_known()
    {
        var ended = _row with { Status = TicketStatus.Canceled, Finished = _created.AddSeconds(3) };

        Assert.Equal(new PredictionMetrics(null, null), _presenter.Show(_row, "").Metrics);
        Assert.Equal(new PredictionMetrics(null, 3), _presenter.Show(ended, "").Metrics);
        Assert.Equal(new PredictionMetrics(2, 3), _presenter.Show(ended with { Started = _created.AddSeconds(1) }, "").Metrics);
    }

    [Fact]
    public void A_response_of_an_attempt_that_did_not_succeed_is_not_shown() =>
        Assert.Null(_presenter.Show(_row with { Status = TicketStatus.TimedOut, Response = "late" }, "").Output);

    [Theory]
    [InlineData("simulated")]
    [InlineData("anyone/simulated")]
    [InlineData("anyone/simulated:simulated")]
    [InlineData("anyone/simulated:5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa")]
    [InlineData("simulated:latest")]
    public void A_version_names_the_model(string version) => Assert.Equal("simulated", PredictionReader.ModelOf(version));

    [Theory]
    [InlineData("30", 30)]
    [InlineData("90s", 90)]
    [InlineData("15m", 900)]
    [InlineData("2h", 7200)]
    [InlineData("1h30m45s", 5445)]
    [InlineData("1m5", 65)]
    public void A_deadline_is_a_time_with_units(string text, int seconds)
    {
        FieldErrors errors = new();

        Assert.Equal(seconds, PredictionReader.ReadDuration(new StringValues(text), errors));
        Assert.False(errors.Any);
    }

    [Theory]
    [InlineData("text", new[] { "text" })]
    [InlineData("""["a","b"]""", new[] { "a", "b" })]
    [InlineData("""["a",1]""", new[] { """["a",1]""" })]
    [InlineData("""["\ud800"]""", new[] { """["\ud800"]""" })]
    [InlineData("[]", new string[0])]
    [InlineData("7", new[] { "7" })]
    public void An_output_is_streamed_piece_by_piece_if_it_is_a_list_of_texts(string text, string[] pieces) =>
        Assert.Equal(pieces, PredictionStream.PiecesOf(new Payload(text, IsJson: text != "text")));
}
