using TicketApp.Api.Storage;

namespace TicketApp.Api.Waiting;

/// <summary>A state of a ticket that is known already.</summary>
/// <param name="TicketId">The ticket.</param>
/// <param name="Status">Its status; null if requests know different states, so that any is news.</param>
/// <param name="Epoch">Its epoch.</param>
/// <param name="Progress">The last report of its run's progress.</param>
internal readonly record struct WatchedVersion(Guid TicketId, TicketStatus? Status, int Epoch, int Progress);

/// <summary>A ticket and who follows it. Used under the lock of <see cref="TicketWatch"/>.</summary>
internal sealed class WatchedTicket
{
    private readonly List<TicketWatcher> _watchers;

    public WatchedTicket(TicketWatcher first, TicketRecord seen) => (_watchers, Version) = ([first], VersionOf(seen));

    /// <summary>What all of them know.</summary>
    public WatchedVersion Version { get; private set; }

    public bool IsAlone => _watchers.Count == 0;

    public void Join(TicketWatcher watcher, TicketRecord seen)
    {
        _watchers.Add(watcher);
        if (Version with { Progress = 0 } != VersionOf(seen))
        {
            Version = Version with { Status = null };
        }
    }

    public bool Leave(TicketWatcher watcher) => _watchers.Remove(watcher);

    /// <summary>Tells all that the ticket is now as <paramref name="row"/> says; null: gone.</summary>
    public void Tell(TicketRecord? row)
    {
        Version = row is null ? Version : VersionOf(row);
        _watchers.ForEach(watcher => watcher.Tell(row));
    }

    /// <summary>Tells all that the ticket's run has got further.</summary>
    public void TellProgress(int sequence)
    {
        Version = Version with { Progress = sequence };
        _watchers.ForEach(watcher => watcher.TellProgress());
    }

    /// <summary>Tells all that nothing more will be told.</summary>
    public void Stop() => _watchers.ForEach(watcher => watcher.Stop());

    private static WatchedVersion VersionOf(TicketRecord row) => new(row.TicketId, row.Status, row.Epoch, Progress: 0);
}
