using System.Diagnostics;
using TicketApp.Api.Storage;

namespace TicketApp.Api.Waiting;

/// <summary>One request that follows a ticket. Disposing of it ends that, whatever the request ended by.</summary>
/// <param name="seen">The ticket as the request knows it.</param>
/// <param name="leave">Called once at the end.</param>
internal sealed class TicketSubscription(TicketRecord seen, Action<TicketSubscription> leave) : IDisposable
{
    private readonly Signal _news = new();
    private volatile TicketRecord? _latest = seen;
    private volatile bool _isStopped;

    // A run may have got somewhere before it was followed.
    private bool _hasProgress = true;

    public Guid TicketId { get; } = seen.TicketId;

    public Guid UserId { get; } = seen.UserId;

    /// <summary>The ticket as far as it is known; null once it is gone.</summary>
    public TicketRecord? Latest => _latest;

    /// <summary>Whether nothing more will be told: this process stops.</summary>
    public bool IsStopped => _isStopped;

    /// <summary>Returns when there are news, or after <paramref name="limit"/>.</summary>
    public Task WaitAsync(TimeSpan limit, CancellationToken cancellationToken) => _news.WaitAsync(limit, cancellationToken);

    /// <summary>Returns when the ticket has ended or is gone, or after <paramref name="limit"/>.</summary>
    public async Task WaitForEndAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        while (Latest is { IsFinished: false }
            && !IsStopped
            && limit - Stopwatch.GetElapsedTime(started) is var left
            && left > TimeSpan.Zero)
        {
            await WaitAsync(left, cancellationToken);
        }
    }

    public void Tell(TicketRecord? row)
    {
        _latest = row;
        if (row is { Status: TicketStatus.Running })
        {
            // It may have got somewhere before it was known to run.
            _hasProgress = true;
        }

        _news.Set();
    }

    public void TellProgress()
    {
        _hasProgress = true;
        _news.Set();
    }

    /// <summary>Whether the ticket's run has got further since this was last asked.</summary>
    public bool TakeProgress() => Interlocked.Exchange(ref _hasProgress, false);

    public void Stop()
    {
        _isStopped = true;
        _news.Set();
    }

    public void Dispose()
    {
        leave(this);
        _news.Dispose();
    }
}

/// <summary>A state of a ticket that is known already.</summary>
/// <param name="TicketId">The ticket.</param>
/// <param name="Status">Its status; null if requests know different states, so that any is news.</param>
/// <param name="Epoch">Its epoch.</param>
/// <param name="Progress">The last report of its run's progress.</param>
internal readonly record struct KnownVersion(Guid TicketId, TicketStatus? Status, int Epoch, int Progress);

/// <summary>A ticket and who follows it. Used under the lock of <see cref="TicketPoller"/>.</summary>
internal sealed class FollowedTicket
{
    private readonly List<TicketSubscription> _subscriptions;

    public FollowedTicket(TicketSubscription first, TicketRecord seen) => (_subscriptions, Version) = ([first], VersionOf(seen));

    /// <summary>What all of them know.</summary>
    public KnownVersion Version { get; private set; }

    public bool IsAlone => _subscriptions.Count == 0;

    public void Join(TicketSubscription subscription, TicketRecord seen)
    {
        _subscriptions.Add(subscription);
        if (Version with { Progress = 0 } != VersionOf(seen))
        {
            Version = Version with { Status = null };
        }
    }

    public bool Leave(TicketSubscription subscription) => _subscriptions.Remove(subscription);

    /// <summary>Tells all that the ticket is now as <paramref name="row"/> says; null: gone.</summary>
    public void Tell(TicketRecord? row)
    {
        Version = row is null ? Version : VersionOf(row);
        _subscriptions.ForEach(subscription => subscription.Tell(row));
    }

    /// <summary>Tells all that the ticket's run has got further.</summary>
    public void TellProgress(int sequence)
    {
        Version = Version with { Progress = sequence };
        _subscriptions.ForEach(subscription => subscription.TellProgress());
    }

    /// <summary>Tells all that nothing more will be told.</summary>
    public void Stop() => _subscriptions.ForEach(subscription => subscription.Stop());

    private static KnownVersion VersionOf(TicketRecord row) => new(row.TicketId, row.Status, row.Epoch, Progress: 0);
}
