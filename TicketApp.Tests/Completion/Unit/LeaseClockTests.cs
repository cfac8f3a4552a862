using System.Diagnostics;
using TicketApp.Api.Completion;

namespace TicketApp.Tests.Completion.Unit;

/// <summary>Whether the end of a lease says anything.</summary>
public sealed class LeaseClockTests
{
    private readonly LeaseClock _clock = new();

    [Fact]
    public void Nothing_counts_before_the_first_probe() => Assert.False(_clock.Counts(out _));

    [Fact]
    public void Leases_count_after_a_probe_once_they_are_extended()
    {
        _clock.ProbeSeen(Stopwatch.GetTimestamp());

        Assert.True(_clock.Counts(out var extensionIsDue));
        Assert.True(extensionIsDue);
        _clock.Extended();
        Assert.True(_clock.Counts(out extensionIsDue));
        Assert.False(extensionIsDue);
    }

    [Fact]
    public void A_probe_that_waited_here_is_no_evidence_of_now()
    {
        _clock.ProbeSeen(Stopwatch.GetTimestamp() - (20 * Stopwatch.Frequency));

        Assert.False(_clock.Counts(out _));
    }

    [Fact]
    public void An_older_probe_that_comes_late_takes_nothing_back()
    {
        _clock.ProbeSeen(Stopwatch.GetTimestamp());
        _clock.ProbeSeen(Stopwatch.GetTimestamp() - (20 * Stopwatch.Frequency));

        Assert.True(_clock.Counts(out _));
    }

    [Fact]
    public void After_an_interruption_leases_are_extended_first()
    {
        _clock.ProbeSeen(Stopwatch.GetTimestamp());
        _clock.Counts(out _);
        _clock.Extended();

        _clock.Interrupted();

        Assert.False(_clock.Counts(out _));
        _clock.ProbeSeen(Stopwatch.GetTimestamp());
        Assert.True(_clock.Counts(out var extensionIsDue));
        Assert.True(extensionIsDue);
    }
}
