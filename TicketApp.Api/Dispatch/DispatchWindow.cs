using System.Collections.Concurrent;
using Microsoft.Extensions.Options;

namespace TicketApp.Api.Dispatch;

/// <summary>
/// This replica's share of a model's dispatch window: how many tickets it may dispatch. Each query of the database sets it
/// from what is really in flight. Between two queries a ticket that this replica dispatches takes a slot, and an end that it sees
/// returns one. So the sum over the replicas stays within the window but for what is in progress, and no row is locked by all of them.
/// </summary>
/// <param name="options">The settings.</param>
/// <param name="time">Measures pauses.</param>
internal sealed class DispatchWindow(IOptions<DispatchOptions> options, TimeProvider time)
{
    private static readonly TimeSpan _firstPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan _maxPause = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private int _available;
    private int _inProgress;
    private bool _hasBacklog = true;
    private bool _isPaused;

    // Zero while the broker takes what is dispatched.
    private TimeSpan _pause;
    private long _pausedSince;
    private bool _isTrying;

    /// <summary>How many tickets may be in flight over all replicas.</summary>
    public int Size { get; private set; }

    /// <summary>How many workers serve the model.</summary>
    public int Workers { get; private set; }

    /// <summary>How many more tickets this replica may dispatch now.</summary>
    public int Available
    {
        get
        {
            lock (_lock)
            {
                return _available;
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

    /// <summary>Takes slots for new tickets: none while others wait, since those come first.</summary>
    public int TryAcquire(int wanted)
    {
        lock (_lock)
        {
            return _hasBacklog ? 0 : Take(wanted);
        }
    }

    /// <summary>Takes slots for tickets from the backlog.</summary>
    public int AcquireForBacklog(int wanted)
    {
        lock (_lock)
        {
            return Take(wanted);
        }
    }

    /// <summary>The tickets of that many taken slots are dispatched and committed: the next query of the database sees them.</summary>
    public void Committed(int count)
    {
        lock (_lock)
        {
            _inProgress -= count;
        }
    }

    /// <summary>Returns slots that were taken and not used.</summary>
    public void Release(int count)
    {
        lock (_lock)
        {
            _inProgress -= count;
            _available += count;
        }
    }

    /// <summary>Dispatched tickets have ended or were returned to the backlog.</summary>
    public void Ended(int count)
    {
        lock (_lock)
        {
            _available += count;
        }
    }

    /// <summary>
    /// The broker refused what was dispatched. Until it takes something again, one ticket is dispatched at a time, each after a pause that
    /// is twice the one before: a dispatch that is undone costs two statements, and the next one would follow at once.
    /// </summary>
    public void Refused()
    {
        lock (_lock)
        {
            // What was on its way together is refused together, and counts once.
            if (_pause == TimeSpan.Zero || _isTrying)
            {
                _pause = _pause == TimeSpan.Zero ? _firstPause : _pause * 2 < _maxPause ? _pause * 2 : _maxPause;
                _pausedSince = time.GetTimestamp();
                _isTrying = false;
            }
        }
    }

    /// <summary>The broker took what was dispatched.</summary>
    public void Accepted()
    {
        lock (_lock)
        {
            _pause = TimeSpan.Zero;
        }
    }

    public void SetBacklog(bool there)
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
            Size = (int)Math.Clamp(
                state.Slots * settings.WindowPerSlot, settings.MinWindow, Math.Max(settings.MinWindow, settings.MaxWindow));
            var free = Math.Max(0, Size - state.InFlight);
            // Rounded up: the last free place must not be nobody's.
            _available = Math.Max(0, (int)((free + state.Replicas - 1) / state.Replicas) - _inProgress);
            Workers = state.Workers;
            _hasBacklog = state.HasBacklog;
            _isPaused = state.IsPaused;
        }
    }

    private int Take(int wanted)
    {
        var taken = _isPaused ? 0 : Math.Clamp(wanted, 0, Math.Max(0, _available));
        if (taken > 0 && _pause > TimeSpan.Zero)
        {
            _isTrying = time.GetElapsedTime(_pausedSince) >= _pause;
            // Should nobody say how it went, the next one is tried as long after this.
            (taken, _pausedSince) = _isTrying ? (1, time.GetTimestamp()) : (0, _pausedSince);
        }

        _available -= taken;
        _inProgress += taken;
        return taken;
    }
}

/// <summary>The dispatch windows, one for each model: what one model has in flight takes no capacity from another.</summary>
internal sealed class DispatchWindows(IOptions<DispatchOptions> options, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, DispatchWindow> _windows = new(StringComparer.Ordinal);

    /// <summary>The models that have one, with it.</summary>
    public IEnumerable<KeyValuePair<string, DispatchWindow>> All => _windows;

    /// <summary>Whether dispatching is paused, as far as this replica knows.</summary>
    public bool IsPaused { get; private set; }

    /// <summary>Api replicas that live, this one included, as of the last query; 0 before the first.</summary>
    public int Replicas { get; private set; }

    /// <summary>Whether tickets of any model wait, as far as this replica knows.</summary>
    public bool HasBacklog => _windows.Values.Any(window => window.HasBacklog);

    /// <summary>The window of <paramref name="model"/>. A new one has no capacity until the next query.</summary>
    public DispatchWindow Of(string model) =>
        _windows.GetOrAdd(model, static (_, settings) => new(settings.Options, settings.Time), (Options: options, Time: time));

    /// <summary>Sets all of them again; of a model that was not seen, nothing is in flight and nothing waits.</summary>
    public void Refresh(WindowQuery query)
    {
        (IsPaused, Replicas) = (query.IsPaused, query.Replicas);
        foreach (var model in query.Models.Keys)
        {
            Of(model);
        }

        foreach (var (model, window) in _windows)
        {
            var state = query.Models.GetValueOrDefault(model, new(InFlight: 0, Slots: 0, Workers: 0, query.Replicas, HasBacklog: false));
            window.Refresh(state with { IsPaused = query.IsPaused });
        }
    }
}

/// <summary>What a query found of one model.</summary>
/// <param name="InFlight">Tickets dispatched and not ended, by all replicas.</param>
/// <param name="Slots">Slots of the workers that serve it and were heard of lately.</param>
/// <param name="Workers">How many these are.</param>
/// <param name="Replicas">Api replicas that share the window, this one included.</param>
/// <param name="HasBacklog">Whether tickets wait.</param>
/// <param name="IsPaused">Whether nothing may be dispatched.</param>
internal readonly record struct WindowState(long InFlight, long Slots, int Workers, int Replicas, bool HasBacklog, bool IsPaused = false);

/// <summary>What a query found.</summary>
/// <param name="Replicas">Api replicas that share the windows, this one included.</param>
/// <param name="Models">By model; those that nobody serves, and of which nothing is in flight or waits, are not there.</param>
/// <param name="IsPaused">Whether dispatching is paused.</param>
internal readonly record struct WindowQuery(int Replicas, IReadOnlyDictionary<string, WindowState> Models, bool IsPaused = false);
