using System.Collections.Concurrent;
using TicketApp.Api.Database;

namespace TicketApp.Api.Backlog;

/// <summary>The models' backlogs as requests see them. Nobody asks, nobody looks.</summary>
internal sealed class BacklogView(BacklogStore store) : IDisposable
{
    private readonly ConcurrentDictionary<string, SharedLook<BacklogSnapshot>> _looks = new(StringComparer.Ordinal);

    public ValueTask<BacklogSnapshot> GetAsync(string model, CancellationToken cancellationToken) =>
        _looks.GetOrAdd(model, static (model, store) => new(token => store.LookAsync(model, token)), store).GetAsync(cancellationToken);

    public void Dispose()
    {
        foreach (var look in _looks.Values)
        {
            look.Dispose();
        }
    }
}
