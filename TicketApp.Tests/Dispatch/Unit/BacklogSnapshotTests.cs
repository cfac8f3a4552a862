using TicketApp.Api.Dispatch;

namespace TicketApp.Tests.Dispatch.Unit;

public sealed class BacklogSnapshotTests
{
    private static readonly Guid[] _ids = [.. Enumerable.Range(0, 6).Select(_ => Guid.CreateVersion7())];

    [Fact]
    public void Dispatched_tickets_come_first_and_then_the_backlog_in_its_order()
    {
        BacklogSnapshot snapshot = new(inFlight: 5, [_ids[0], _ids[1]], [(10, _ids[2]), (20, _ids[3])]);

        Assert.Equal((5L, 2), (snapshot.InFlight, snapshot.Dispatched));
        Assert.Equal([1, 2], [snapshot.PositionOf(_ids[0], null), snapshot.PositionOf(_ids[1], null)]);
        Assert.Equal([3, 4], [snapshot.PositionOf(_ids[2], 10), snapshot.PositionOf(_ids[3], 20)]);
    }

    [Theory]
    [InlineData(5, 3)]
    [InlineData(15, 4)]
    [InlineData(25, 5)]
    public void A_ticket_that_is_newer_than_the_look_has_the_place_where_it_would_have_been(long key, int position)
    {
        BacklogSnapshot snapshot = new(inFlight: 2, [_ids[0], _ids[1]], [(10, _ids[2]), (20, _ids[3])]);

        Assert.Equal(position, snapshot.PositionOf(Guid.CreateVersion7(), key));
        Assert.Equal(3, snapshot.PositionOf(Guid.CreateVersion7(), queueKey: null));
    }

    [Fact]
    public void Positions_are_exact_to_the_thousandth_and_unknown_behind_it()
    {
        (long, Guid)[] backlog = [.. Enumerable.Range(1, BacklogSnapshot.Deepest).Select(i => ((long)i, Guid.CreateVersion7()))];
        BacklogSnapshot snapshot = new(inFlight: 1, [_ids[0]], backlog);

        Assert.Equal(1000, snapshot.PositionOf(backlog[^2].Item2, 999));
        Assert.Null(snapshot.PositionOf(backlog[^1].Item2, 1000));
        // One that is not in the look: as far behind as 998 and 999 of the backlog, and one dispatched, let it be.
        Assert.Equal(1000, snapshot.PositionOf(Guid.Empty, 999));
        Assert.Null(snapshot.PositionOf(Guid.Empty, 1000));
    }
}
