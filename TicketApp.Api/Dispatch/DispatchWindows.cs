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
    public DispatchWindow Of(string model) => _windows.GetOrAdd(model, static (_, settings) => new(settings.Options, settings.Time), (Options: options, Time: time));

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
