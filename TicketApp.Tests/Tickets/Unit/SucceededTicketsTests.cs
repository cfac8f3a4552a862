using System.Diagnostics;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;

namespace TicketApp.Tests.Tickets.Unit;

public sealed class SucceededTicketsTests : IDisposable
{
    private static readonly TimeSpan _never = TimeSpan.FromMinutes(5);

    private readonly SucceededTickets _succeeded = new();
    private readonly Guid _ticketId = Guid.CreateVersion7();

    [Fact]
    public async Task Whoever_asks_just_before_the_answer_gets_it()
    {
        var first = _succeeded.FindSoonAsync(_ticketId, _never);
        var second = _succeeded.FindSoonAsync(_ticketId, _never);
        Assert.False(first.IsCompleted);

        _succeeded.Add(Ticket(TicketStatus.Succeeded));

        Assert.Equal("Sad message", (await first)?.Response);
        Assert.Equal("Sad message", (await second)?.Response);
    }

    [Fact]
    public async Task What_is_remembered_is_not_waited_for()
    {
        _succeeded.Add(Ticket(TicketStatus.Succeeded));

        Assert.Equal("Sad message", (await _succeeded.FindSoonAsync(_ticketId, _never))?.Response);
    }

    [Fact]
    public async Task Nobody_waits_longer_than_the_limit()
    {
        var started = Stopwatch.GetTimestamp();

        Assert.Null(await _succeeded.FindSoonAsync(_ticketId, TimeSpan.FromMilliseconds(20)));

        Assert.True(Stopwatch.GetElapsedTime(started) >= TimeSpan.FromMilliseconds(10));
    }

    [Theory]
    [InlineData(TicketStatus.Running)]
    [InlineData(TicketStatus.Failed)]
    public async Task Only_success_is_an_answer(TicketStatus status)
    {
        var asked = _succeeded.FindSoonAsync(_ticketId, TimeSpan.FromMilliseconds(20));

        _succeeded.Add(Ticket(status));

        Assert.Null(await asked);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(99, true)]
    [InlineData(-99, true)]
    [InlineData(100, false)]
    [InlineData(60_000, false)]
    [InlineData(-60_000, false)]
    public void An_id_tells_whether_its_ticket_is_young(int age, bool isYoung)
    {
        var created = DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_123);

        Assert.Equal(isYoung, TicketSummaryReader.IsYoung(Guid.CreateVersion7(created), created.AddMilliseconds(age)));
    }

    [Fact]
    public void An_id_without_a_time_is_not_young() => Assert.False(TicketSummaryReader.IsYoung(Guid.NewGuid(), DateTimeOffset.UtcNow));

    public void Dispose() => _succeeded.Dispose();

    private TicketSummary Ticket(TicketStatus status) => new(_ticketId, Guid.CreateVersion7(), status, "Sad message", TimeSpan.Zero);
}
