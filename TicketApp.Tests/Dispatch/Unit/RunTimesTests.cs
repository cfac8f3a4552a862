using TicketApp.Api.Dispatch;

namespace TicketApp.Tests.Dispatch.Unit;

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

    [Fact]
    public void Only_the_last_few_hundred_runs_count()
    {
        for (var i = 0; i < 256 + 200; i++)
        {
            _times.Of("a").Add(i < 256 ? 1000 : 10);
        }

        Assert.Equal(TimeSpan.FromMilliseconds(10), _times.Of("a").Median);
        Assert.Equal(TimeSpan.FromMilliseconds(1000), _times.Of("a").P90);
    }

    [Theory]
    [InlineData(new[] { 19 }, true)]
    [InlineData(new[] { 20 }, false)]
    // One run of many that are short changes little, but does change something.
    [InlineData(new[] { 1, 900 }, true)]
    [InlineData(new[] { 1, 1000 }, false)]
    [InlineData(new[] { 1000, 1 }, false)]
    public void Runs_are_short_when_most_of_the_last_ones_were(int[] milliseconds, bool areShort)
    {
        foreach (var run in milliseconds)
        {
            _times.Of("a").Add(run);
        }

        Assert.Equal(areShort, _times.Of("a").AreShort);
    }
}
