using System.Collections.Concurrent;
using Microsoft.Extensions.Options;

namespace TicketApp.Api.Dispatch;

/// <summary>The dispatch windows, one for each model: what one model has in flight takes no capacity from another.</summary>
internal sealed class DispatchWindows(IOptions<DispatchOptions> options, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, DispatchWindow> _windows = new(StringComparer.Ordinal);

    /// <summary>The models that have one, with it.</summary>
    public IEnumerable<KeyValuePair<string, DispatchWindow>> All => _windows;

    /// <summary>Whether dispatching is paused, as far as this replica knows.</summary>
    public bool IsPaused { get; private set; }

    /// <summary>Whether tickets of any model wait, as far as this replica knows.</summary>
    public bool HasBacklog => _windows.Values.Any(window => window.HasBacklog);

    /// <summary>The window of <paramref name="model"/>. A new one has no capacity until the next query.</summary>
    public DispatchWindow Of(string model) =>
        _windows.GetOrAdd(model, static (_, settings) => new(settings.Options, settings.Time), (Options: options, Time: time));

    /// <summary>Sets all of them again; of a model that was not seen, nothing is in flight and nothing waits.</summary>
    public void Refresh(WindowQuery look)
    {
        IsPaused = look.IsPaused;
        foreach (var model in look.Models.Keys)
        {
            Of(model);
        }

        foreach (var (model, window) in _windows)
        {
            var state = look.Models.GetValueOrDefault(model, new(InFlight: 0, Slots: 0, Workers: 0, look.Replicas, HasBacklog: false));
            window.Refresh(state with { IsPaused = look.IsPaused });
        }
    }
}

/// <summary>What a look into the database found of one model.</summary>
/// <param name="InFlight">Tickets dispatched and not ended, by all replicas.</param>
/// <param name="Slots">Slots of the workers that serve it and were heard of lately.</param>
/// <param name="Workers">How many these are.</param>
/// <param name="Replicas">Api replicas that share the window, this one included.</param>
/// <param name="HasBacklog">Whether tickets wait.</param>
/// <param name="IsPaused">Whether nothing may be dispatched.</param>
internal readonly record struct WindowState(long InFlight, long Slots, int Workers, int Replicas, bool HasBacklog, bool IsPaused = false);

/// <summary>What a look found.</summary>
/// <param name="Replicas">Api replicas that share the windows, this one included.</param>
/// <param name="Models">By model; those that nobody serves, and of which nothing is in flight or waits, are not there.</param>
/// <param name="IsPaused">Whether dispatching is paused.</param>
internal readonly record struct WindowQuery(int Replicas, IReadOnlyDictionary<string, WindowState> Models, bool IsPaused = false);
