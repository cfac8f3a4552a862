using System.Collections.Concurrent;
using TicketApp.Api.Storage;

namespace TicketApp.Api.Dispatch;

/// <summary>The models' backlogs as requests see them. Without questions there are no queries.</summary>
internal sealed class BacklogView(BacklogStore store) : IDisposable
{
    private readonly ConcurrentDictionary<string, CachedQuery<BacklogSnapshot>> _queries = new(StringComparer.Ordinal);

    public ValueTask<BacklogSnapshot> GetAsync(string model, CancellationToken cancellationToken) =>
        _queries.GetOrAdd(model, static (model, store) => new(token => store.QueryAsync(model, token)), store).GetAsync(cancellationToken);

    public void Dispose()
    {
        foreach (var look in _queries.Values)
        {
            look.Dispose();
        }
    }
}
