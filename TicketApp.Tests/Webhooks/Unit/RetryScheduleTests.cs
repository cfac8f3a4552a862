using Microsoft.Extensions.Options;
using TicketApp.Api.Webhooks;

namespace TicketApp.Tests.Webhooks.Unit;

public sealed class RetryScheduleTests
{
    private readonly RetrySchedule _schedule = new(Options.Create(new WebhookOptions()));

    [Fact]
    public void It_spans_three_days()
    {
        var pauses = Enumerable.Range(1, 9).Select(tries => _schedule.PauseAfter(tries, retryAfter: null, chance: 0.5)!.Value).ToList();

        Assert.Equal(TimeSpan.FromSeconds(5), pauses[0]);
        Assert.Equal(TimeSpan.FromMinutes(5), pauses[1]);
        Assert.Equal(new TimeSpan(75, 35, 5), pauses.Aggregate(TimeSpan.Zero, (sum, pause) => sum + pause));
        Assert.Null(_schedule.PauseAfter(10, retryAfter: null, chance: 0.5));
    }

    [Fact]
    public void Chance_moves_it_by_a_tenth()
    {
        Assert.Equal(TimeSpan.FromSeconds(4.5), _schedule.PauseAfter(1, retryAfter: null, chance: 0));
        Assert.Equal(TimeSpan.FromSeconds(5.5), _schedule.PauseAfter(1, retryAfter: null, chance: 1));
    }

    [Theory]
    [InlineData("12", 12.0)]
    [InlineData("12.5", 12.5)]
    [InlineData("99999999999999999999.5", 1e9)]
    [InlineData("-1.5", null)]
    [InlineData("1e3", null)]
    [InlineData("soon", null)]
    public void A_receiver_may_ask_in_fractions_of_a_second(string header, double? seconds)
    {
        using HttpResponseMessage response = new();
        response.Headers.TryAddWithoutValidation("Retry-After", header);

        Assert.Equal(seconds, WebhookSender.RetryAfter(response, DateTimeOffset.UnixEpoch)?.TotalSeconds);
    }

    [Fact]
    public void A_receiver_may_ask_for_more_time_up_to_a_day()
    {
        Assert.Equal(TimeSpan.FromMinutes(1), _schedule.PauseAfter(1, TimeSpan.FromMinutes(1), chance: 0.5));
        Assert.Equal(TimeSpan.FromSeconds(5), _schedule.PauseAfter(1, TimeSpan.FromSeconds(-1), chance: 0.5));
        Assert.Equal(TimeSpan.FromHours(24), _schedule.PauseAfter(1, TimeSpan.FromDays(365), chance: 0.5));
        Assert.Null(_schedule.PauseAfter(10, TimeSpan.FromMinutes(1), chance: 0.5));
    }
}
