using Microsoft.Extensions.Options;
using TicketApp.Api.Dispatch;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Dispatch.Unit;

public sealed class DispatchWindowTests
{
    private readonly ManualClock _clock = new();
    private readonly DispatchWindow _window;

    public DispatchWindowTests() =>
        _window = new(Options.Create(new DispatchOptions { MinWindow = 10, MaxWindow = 100, WindowPerSlot = 2 }), _clock);

    [Theory]
    [InlineData(0, 10)]
    [InlineData(4, 10)]
    [InlineData(20, 40)]
    [InlineData(5000, 100)]
    public void Its_size_follows_the_slots_between_floor_and_ceiling(int slots, int size)
    {
        _window.Refresh(new(InFlight: 0, slots, Workers: 1, Replicas: 1, HasBacklog: false));

        Assert.Equal(size, _window.Size);
        Assert.Equal(size, _window.Available);
    }

    [Fact]
    public void Replicas_share_what_is_free_and_leave_no_place_unused()
    {
        _window.Refresh(new(InFlight: 35, Slots: 20, Workers: 1, Replicas: 3, HasBacklog: false));

        Assert.Equal(2, _window.Available);
    }

    [Fact]
    public void New_tickets_take_no_capacity_while_others_wait()
    {
        _window.Refresh(new(InFlight: 0, Slots: 20, Workers: 1, Replicas: 1, HasBacklog: true));

        Assert.Equal(0, _window.TryAcquire(5));
        Assert.Equal(5, _window.AcquireForBacklog(5));
        Assert.Equal(35, _window.Available);
    }

    [Fact]
    public void No_more_is_granted_than_is_available()
    {
        _window.Refresh(new(InFlight: 37, Slots: 20, Workers: 1, Replicas: 1, HasBacklog: false));

        Assert.Equal(3, _window.TryAcquire(5));
        Assert.Equal(0, _window.TryAcquire(1));
    }

    [Fact]
    public void A_query_of_the_database_does_not_see_what_is_in_progress()
    {
        _window.Refresh(new(InFlight: 0, Slots: 20, Workers: 1, Replicas: 1, HasBacklog: false));
        _window.TryAcquire(30);

        _window.Refresh(new(InFlight: 0, Slots: 20, Workers: 1, Replicas: 1, HasBacklog: false));
        Assert.Equal(10, _window.Available);

        _window.Committed(30);
        _window.Refresh(new(InFlight: 30, Slots: 20, Workers: 1, Replicas: 1, HasBacklog: false));
        Assert.Equal(10, _window.Available);
    }

    [Fact]
    public void Ended_and_unused_tickets_return_their_capacity()
    {
        _window.Refresh(new(InFlight: 0, Slots: 20, Workers: 1, Replicas: 1, HasBacklog: false));
        _window.TryAcquire(40);
        _window.Release(4);
        _window.Committed(36);
        _window.Ended(6);

        Assert.Equal(10, _window.Available);
    }

    [Fact]
    public void While_the_broker_refuses_one_ticket_is_tried_after_pauses_that_double_up_to_a_few_seconds()
    {
        _window.Refresh(new(InFlight: 0, Slots: 20, Workers: 1, Replicas: 1, HasBacklog: true));
        List<double> pauses = [];
        for (var refusal = 0; refusal < 8; refusal++)
        {
            // All that were on their way are refused, and count once.
            _window.Refused();
            _window.Refused();
            var pause = TimeSpan.Zero;
            while (_window.AcquireForBacklog(5) is var taken && taken != 1)
            {
                Assert.Equal(0, taken);
                _clock.Advance(TimeSpan.FromMilliseconds(50));
                pause += TimeSpan.FromMilliseconds(50);
            }

            pauses.Add(pause.TotalSeconds);
            _window.Release(1);
        }

        Assert.Equal([0.25, 0.5, 1, 2, 4, 5, 5, 5], pauses);
    }

    [Fact]
    public void Once_the_broker_takes_something_the_whole_window_is_available()
    {
        _window.Refresh(new(InFlight: 0, Slots: 20, Workers: 1, Replicas: 1, HasBacklog: false));
        _window.Refused();
        Assert.Equal(0, _window.TryAcquire(5));

        _window.Accepted();

        Assert.Equal(5, _window.TryAcquire(5));
    }

    [Fact]
    public void A_try_that_nobody_hears_of_again_is_followed_by_another()
    {
        _window.Refresh(new(InFlight: 0, Slots: 20, Workers: 1, Replicas: 1, HasBacklog: true));
        _window.Refused();
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(0, _window.AcquireForBacklog(5));
            _clock.Advance(TimeSpan.FromMilliseconds(250));
            Assert.Equal(1, _window.AcquireForBacklog(5));
        }
    }
}
