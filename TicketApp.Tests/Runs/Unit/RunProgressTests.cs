using TicketApp.Messaging;
using TicketApp.Worker.Runs;

namespace TicketApp.Tests.Runs.Unit;

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

    [Fact]
    public void Nothing_new_is_no_report_and_what_is_known_is_said_again_with_what_is_new()
    {
        Assert.Null(_progress.Take(() => _report));
        _progress.Report(new(Text: ""));
        _progress.Report(new(double.NaN));
        Assert.Null(_progress.Take(() => _report));

        _progress.Report(new(0.5));
        Assert.Equal((1, 0.5, null), Said(_progress.Take(() => _report)));
        _progress.Report(new(Text: "a"));
        Assert.Equal((2, 0.5, "a"), Said(Eventually(() => _progress.Take(() => _report))));

        static (int?, double?, string?) Said(WorkerReport? report) => (report?.Sequence, report?.Fraction, report?.Text);
    }

    [Fact]
    public void Of_a_text_beyond_a_million_characters_no_more_is_kept()
    {
        _progress.Report(new(Text: new('a', 600_000)));
        _progress.Report(new(Text: new('b', 400_001)));
        Assert.Equal(600_000, _progress.Take(() => _report)?.Text?.Length);

        _progress.Report(new(Text: new('c', 400_001)));
        _progress.Report(new(Text: new('d', 400_000)));
        _progress.Report(new(Text: "e"));
        Assert.Equal(new('d', 400_000), Eventually(() => _progress.Take(() => _report))?.Text);
    }

    // The pause between two reports is a thousandth of the age, microseconds here.
    private static WorkerReport? Eventually(Func<WorkerReport?> take)
    {
        WorkerReport? report = null;
        Assert.True(SpinWait.SpinUntil(() => (report = take()) is not null, TimeSpan.FromSeconds(10)));
        return report;
    }
}
