using Microsoft.Extensions.Options;
using TicketApp.Api.Dispatch;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Dispatch.Unit;

public sealed class DispatchWindowsTests
{
    private readonly DispatchWindows _windows = new(
        Options.Create(new DispatchOptions { MinWindow = 10, MaxWindow = 100, WindowPerSlot = 2 }), new ManualClock());

    [Fact]
    public void A_model_that_a_query_does_not_find_has_nothing_in_flight_and_nothing_that_waits()
    {
        Refresh(new() { ["a"] = new(InFlight: 10, Slots: 5, Workers: 2, Replicas: 1, HasBacklog: true) });
        Assert.Equal((0, 2, true), (_windows.Of("a").Available, _windows.Of("a").Workers, _windows.HasBacklog));

        Refresh([]);

        Assert.Equal((10, 0, false), (_windows.Of("a").Available, _windows.Of("a").Workers, _windows.Of("a").HasBacklog));
        Assert.False(_windows.HasBacklog);
        Assert.Equal(["a"], _windows.All.Select(window => window.Key));
    }

    [Fact]
    public void While_dispatching_is_paused_no_model_takes_anything()
    {
        var busy = new WindowState(InFlight: 0, Slots: 5, Workers: 2, Replicas: 1, HasBacklog: true);
        Refresh(new() { ["a"] = busy }, isPaused: true);
        _windows.Of("idle");
        Refresh(new() { ["a"] = busy }, isPaused: true);
        Assert.True(_windows.IsPaused);
        Assert.Equal((0, 0), (_windows.Of("a").AcquireForBacklog(5), _windows.Of("idle").TryAcquire(5)));

        Refresh(new() { ["a"] = busy });

        Assert.False(_windows.IsPaused);
        Assert.Equal((5, 5), (_windows.Of("a").AcquireForBacklog(5), _windows.Of("idle").TryAcquire(5)));
    }

    [Fact]
    public void A_window_that_shrinks_below_what_is_in_flight_has_nothing_to_give()
    {
        Refresh(new() { ["a"] = new(InFlight: 0, Slots: 50, Workers: 2, Replicas: 1, HasBacklog: true) });
        Assert.Equal(100, _windows.Of("a").AcquireForBacklog(100));

        Refresh(new() { ["a"] = new(InFlight: 0, Slots: 0, Workers: 0, Replicas: 1, HasBacklog: true) });

        Assert.Equal((0, 0), (_windows.Of("a").Available, _windows.Of("a").AcquireForBacklog(1)));
        _windows.Of("a").Ended(3);
        Assert.Equal(3, _windows.Of("a").AcquireForBacklog(5));
    }

    private void Refresh(Dictionary<string, WindowState> models, bool isPaused = false) =>
        _windows.Refresh(new(Replicas: 1, models, isPaused));
}
