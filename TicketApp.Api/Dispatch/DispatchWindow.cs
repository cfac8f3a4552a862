using Microsoft.Extensions.Options;

namespace TicketApp.Api.Dispatch;

/// <summary>
/// This replica's share of a model's dispatch window: how many tickets it may release. Each look into the database sets it anew from
/// what is really in flight; in between, what this replica releases takes room and what it sees end gives it back. So the sum
/// over the replicas stays within the window but for what is under way, and no row is locked by all of them.
/// </summary>
internal sealed class DispatchWindow(IOptions<DispatchOptions> options)
{
    private readonly Lock _lock = new();
    private int _room;
    private int _underWay;
    private bool _hasBacklog = true;
    private bool _isPaused;

    /// <summary>How many tickets may be in flight over all replicas.</summary>
    public int Size { get; private set; }

    /// <summary>How many workers serve the model.</summary>
    public int Workers { get; private set; }

    /// <summary>How many more this replica may release now.</summary>
    public int Room
    {
        get
        {
            lock (_lock)
            {
                return _room;
            }
        }
    }

    /// <summary>Whether tickets wait in the backlog, as far as this replica knows.</summary>
    public bool HasBacklog
    {
        get
        {
            lock (_lock)
            {
                return _hasBacklog;
            }
        }
    }

    /// <summary>Takes room for new tickets: nothing while others wait, since those come first.</summary>
    public int TakeForNew(int wanted)
    {
        lock (_lock)
        {
            return _hasBacklog ? 0 : Take(wanted);
        }
    }

    /// <summary>Takes room for tickets from the backlog.</summary>
    public int TakeForBacklog(int wanted)
    {
        lock (_lock)
        {
            return Take(wanted);
        }
    }

    /// <summary>What was taken has been released and committed: the next look into the database will see it.</summary>
    public void Released(int count)
    {
        lock (_lock)
        {
            _underWay -= count;
        }
    }

    /// <summary>What was taken was not used.</summary>
    public void GiveBack(int count)
    {
        lock (_lock)
        {
            _underWay -= count;
            _room += count;
        }
    }

    /// <summary>Released tickets have ended or gone back to the backlog.</summary>
    public void Ended(int count)
    {
        lock (_lock)
        {
            _room += count;
        }
    }

    public void BacklogIs(bool there)
    {
        lock (_lock)
        {
            _hasBacklog = there;
        }
    }

    public void Refresh(WindowState state)
    {
        var settings = options.Value;
        lock (_lock)
        {
            Size = (int)Math.Clamp(state.Slots * settings.WindowPerSlot, settings.WindowFloor, Math.Max(settings.WindowFloor, settings.WindowCeiling));
            var free = Math.Max(0, Size - state.InFlight);
            // Rounded up: the last free place must not be nobody's.
            _room = Math.Max(0, (int)((free + state.Replicas - 1) / state.Replicas) - _underWay);
            Workers = state.Workers;
            _hasBacklog = state.HasBacklog;
            _isPaused = state.IsPaused;
        }
    }

    private int Take(int wanted)
    {
        var taken = _isPaused ? 0 : Math.Clamp(wanted, 0, Math.Max(0, _room));
        _room -= taken;
        _underWay += taken;
        return taken;
    }
}
