using TicketApp.Messaging;
using TicketApp.Worker.Runs;

namespace TicketApp.Tests.Unit;

public sealed class RunProgressTests
{
    private static readonly WorkerReport _report = new() { Type = ReportType.Progress, Worker = "w" };

    private readonly RunProgress _progress = new();

    [Fact]
    public void What_comes_between_two_reports_is_one_report()
    {
        _progress.Report(new(0.25, "Hap"));
        _progress.Report(new(0.5));
        _progress.Report(new(Text: "py"));

        var report = _progress.Take(() => _report);
        Assert.Equal((1, 0.5, "Happy"), (report?.Sequence, report?.Fraction, report?.Text));
        Assert.Null(_progress.Take(() => _report));
    }

    [Fact]
    public void A_character_is_never_cut_in_two()
    {
        _progress.Report(new(Text: "a\ud83d"));
        Assert.Equal("a", _progress.Take(() => _report)?.Text);

        _progress.Report(new(Text: "\ude00"));
        Assert.Equal("😀", Eventually(() => _progress.Take(() => _report))?.Text);
    }

    [Theory]
    [InlineData(double.NaN, null)]
    [InlineData(-1, 0d)]
    [InlineData(7, 1d)]
    public void A_fraction_lies_between_nothing_and_all(double fraction, double? reported)
    {
        _progress.Report(new(fraction, "x"));

        Assert.Equal(reported, _progress.Take(() => _report)?.Fraction);
    }

    // The pause between two reports is a thousandth of the age, microseconds here.
    private static WorkerReport? Eventually(Func<WorkerReport?> take)
    {
        WorkerReport? report = null;
        Assert.True(SpinWait.SpinUntil(() => (report = take()) is not null, TimeSpan.FromSeconds(10)));
        return report;
    }
}
