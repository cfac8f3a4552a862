using System.Collections.Concurrent;

namespace TicketApp.Api.Dispatch;

/// <summary>How long the runs of each model took lately, as far as this replica saw their results.</summary>
internal sealed class RunTimes
{
    private readonly ConcurrentDictionary<string, ModelRunTimes> _models = new(StringComparer.Ordinal);

    /// <summary>Those of <paramref name="model"/>.</summary>
    public ModelRunTimes Of(string model) => _models.GetOrAdd(model, static _ => new());
}
