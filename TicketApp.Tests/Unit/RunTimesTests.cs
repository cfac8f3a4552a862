using TicketApp.Api.Dispatch;

namespace TicketApp.Tests.Unit;

public sealed class RunTimesTests
{
    private readonly RunTimes _times = new();

    [Fact]
    public void Half_of_the_last_runs_took_no_longer_than_the_median_and_nine_of_ten_than_the_ninetieth()
    {
        for (var milliseconds = 1; milliseconds <= 100; milliseconds++)
        {
            _times.Of("a").Add(milliseconds);
        }

        Assert.Equal(TimeSpan.FromMilliseconds(50), _times.Of("a").Median);
        Assert.Equal(TimeSpan.FromMilliseconds(90), _times.Of("a").P90);
        Assert.Null(_times.Of("b").Median);
    }

    [Fact]
    public void Quick_runs_of_one_model_say_nothing_of_another()
    {
        Assert.False(_times.Of("quick").AreShort);
        _times.Of("quick").Add(1);
        _times.Of("slow").Add(1000);

        Assert.True(_times.Of("quick").AreShort);
        Assert.False(_times.Of("slow").AreShort);
    }
}
