using Microsoft.Extensions.Options;
using TicketApp.Api.Dispatch;

namespace TicketApp.Tests.Unit;

public sealed class DispatchWindowTests
{
    private readonly DispatchWindow _window = new(Options.Create(new DispatchOptions { WindowFloor = 10, WindowCeiling = 100, WindowPerSlot = 2 }));

    [Theory]
    [InlineData(0, 10)]
    [InlineData(4, 10)]
    [InlineData(20, 40)]
    [InlineData(5000, 100)]
    public void Its_size_follows_the_slots_between_floor_and_ceiling(int slots, int size)
    {
        _window.Refresh(new(InFlight: 0, slots, Workers: 1, Replicas: 1, HasBacklog: false));

        Assert.Equal(size, _window.Size);
        Assert.Equal(size, _window.Room);
    }

    [Fact]
    public void Replicas_share_what_is_free_and_leave_no_place_unused()
    {
        _window.Refresh(new(InFlight: 35, Slots: 20, Workers: 1, Replicas: 3, HasBacklog: false));

        Assert.Equal(2, _window.Room);
    }

    [Fact]
    public void New_tickets_take_no_room_while_others_wait()
    {
        _window.Refresh(new(InFlight: 0, Slots: 20, Workers: 1, Replicas: 1, HasBacklog: true));

        Assert.Equal(0, _window.TakeForNew(5));
        Assert.Equal(5, _window.TakeForBacklog(5));
        Assert.Equal(35, _window.Room);
    }

    [Fact]
    public void No_more_is_granted_than_there_is_room()
    {
        _window.Refresh(new(InFlight: 37, Slots: 20, Workers: 1, Replicas: 1, HasBacklog: false));

        Assert.Equal(3, _window.TakeForNew(5));
        Assert.Equal(0, _window.TakeForNew(1));
    }

    [Fact]
    public void A_look_into_the_database_does_not_see_what_is_under_way()
    {
        _window.Refresh(new(InFlight: 0, Slots: 20, Workers: 1, Replicas: 1, HasBacklog: false));
        _window.TakeForNew(30);

        _window.Refresh(new(InFlight: 0, Slots: 20, Workers: 1, Replicas: 1, HasBacklog: false));
        Assert.Equal(10, _window.Room);

        _window.Released(30);
        _window.Refresh(new(InFlight: 30, Slots: 20, Workers: 1, Replicas: 1, HasBacklog: false));
        Assert.Equal(10, _window.Room);
    }

    [Fact]
    public void What_ends_or_was_not_used_gives_its_room_back()
    {
        _window.Refresh(new(InFlight: 0, Slots: 20, Workers: 1, Replicas: 1, HasBacklog: false));
        _window.TakeForNew(40);
        _window.GiveBack(4);
        _window.Released(36);
        _window.Ended(6);

        Assert.Equal(10, _window.Room);
    }
}
