using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Options;
using TicketApp.Api.Auth;
using TicketApp.Api.Completion;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Waiting;

/// <summary>
/// Tells requests of the tickets that they follow. A ticket is looked up as soon as this replica has changed it, or another says that it
/// has (<see cref="TicketNews"/>); whatever their number, one statement asks for all. While another replica tells nothing, all tickets are
/// asked for several times a second, else every few seconds. Nothing is asked while nobody waits.
/// </summary>
internal sealed class TicketPoller(
    TicketPollStore store,
    SucceededTickets succeeded,
    NewsSources sources,
    DispatchWindows windows,
    IHostApplicationLifetime lifetime,
    IOptions<WaitingOptions> options,
    IOptions<LimitOptions> limits,
    DatabaseMigrator migrator,
    LoopProgress progress,
    ILogger<TicketPoller> logger) : DatabaseLoop("news of tickets that are waited for", migrator, progress, logger), ITicketObserver
{
    // Hints that come one after the other share a query.
    private static readonly TimeSpan _linger = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan _idle = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<Guid, FollowedTicket> _followed = [];
    private readonly UserShares _users = new();
    private readonly ConcurrentQueue<Guid> _hints = new();

    // What changed between being read and being followed gives no hint.
    private readonly HashSet<Guid> _new = [];
    private CancellationTokenRegistration _stopping;
    private long _lastRound;
    private long _lastPoll;
    private int _subscriptions;
    private volatile bool _hasMissed;
    private bool _isStopped;

    /// <summary>Follows a ticket from <paramref name="seen"/> on.</summary>
    /// <exception cref="OverloadedException">As many requests wait as may, in all or for the ticket's user.</exception>
    public TicketSubscription Subscribe(TicketRecord seen)
    {
        TicketSubscription subscription = new(seen, Leave);
        lock (_lock)
        {
            if (_isStopped || _subscriptions >= options.Value.MaxWaiters)
            {
                throw new OverloadedException("Too many requests wait.");
            }

            if (!_users.TryTake(seen.UserId, 1, limits.Value.ShareOf(options.Value.MaxWaiters)))
            {
                throw new OverloadedException("Too many requests wait for tickets of one user.");
            }

            _subscriptions++;
            if (_followed.TryGetValue(seen.TicketId, out var followed))
            {
                followed.Join(subscription, seen);
            }
            else
            {
                _followed[seen.TicketId] = new(subscription, seen);
            }

            _new.Add(seen.TicketId);
            if (_followed.Count == 1)
            {
                Wake();
            }
        }

        if (succeeded.Find(seen.TicketId) is not null)
        {
            // It ended here between being read and being followed.
            OnChanged(seen.TicketId);
        }

        return subscription;
    }

    /// <summary>Other replicas may have changed any ticket: all are looked up within <see cref="WaitingOptions.PollInterval"/>.</summary>
    public void OnMissed() => _hasMissed = true;

    /// <summary>The ticket was changed: requests that follow it are told without waiting for the next poll.</summary>
    public void OnChanged(Guid ticketId)
    {
        if (Volatile.Read(ref _subscriptions) == 0)
        {
            return;
        }

        lock (_lock)
        {
            if (!_followed.ContainsKey(ticketId))
            {
                return;
            }
        }

        _hints.Enqueue(ticketId);
        Wake();
    }

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        // The server waits for its requests before this service is stopped.
        _stopping = lifetime.ApplicationStopping.Register(StopSubscriptions);
        return base.StartAsync(cancellationToken);
    }

    public override void Dispose()
    {
        _stopping.Dispose();
        base.Dispose();
    }

    protected override TimeSpan PollInterval
    {
        get
        {
            lock (_lock)
            {
                return _followed.Count == 0 ? _idle : UntilRound;
            }
        }
    }

    protected override Task WorkAsync(CancellationToken stoppingToken)
    {
        if (UntilRound > TimeSpan.Zero)
        {
            return QueryAsync(Hinted(), stoppingToken);
        }

        _lastRound = Stopwatch.GetTimestamp();
        if (!_hasMissed && sources.AreComplete(windows.Replicas) && Stopwatch.GetElapsedTime(_lastPoll) < options.Value.ToldPollInterval)
        {
            return QueryAsync(HintedAndNew(), stoppingToken);
        }

        _lastPoll = _lastRound;
        _hasMissed = false;
        return QueryAsync(All(), stoppingToken);
    }

    protected override void OnFailed(Exception exception) => OnMissed();

    protected override async Task WaitAsync(CancellationToken stoppingToken)
    {
        if (UntilRound > TimeSpan.Zero)
        {
            await base.WaitAsync(stoppingToken);
            await Task.Delay(_linger, stoppingToken);
        }
    }

    private TimeSpan UntilRound =>
        TimeSpan.FromTicks(Math.Max(0, (options.Value.PollInterval - Stopwatch.GetElapsedTime(_lastRound)).Ticks));

    private async Task QueryAsync(KnownVersion[] known, CancellationToken cancellationToken)
    {
        if (known.Length == 0)
        {
            return;
        }

        var (changed, progress, isComplete) = await store.QueryAsync(known, cancellationToken);
        if (!isComplete)
        {
            OnMissed();
        }

        // Under the lock, so that nobody is told after leaving.
        lock (_lock)
        {
            foreach (var (ticketId, row) in changed)
            {
                _followed.GetValueOrDefault(ticketId)?.Tell(row);
            }

            foreach (var (ticketId, sequence) in progress)
            {
                _followed.GetValueOrDefault(ticketId)?.TellProgress(sequence);
            }
        }
    }

    private KnownVersion[] All()
    {
        _hints.Clear();
        lock (_lock)
        {
            _new.Clear();
            return [.. _followed.Values.Select(followed => followed.Version)];
        }
    }

    private KnownVersion[] HintedAndNew()
    {
        lock (_lock)
        {
            foreach (var ticketId in _new)
            {
                _hints.Enqueue(ticketId);
            }

            _new.Clear();
        }

        return Hinted();
    }

    private KnownVersion[] Hinted()
    {
        HashSet<Guid> hinted = [];
        while (_hints.TryDequeue(out var ticketId))
        {
            hinted.Add(ticketId);
        }

        lock (_lock)
        {
            return [.. hinted.Where(_followed.ContainsKey).Select(ticketId => _followed[ticketId].Version)];
        }
    }

    private void StopSubscriptions()
    {
        lock (_lock)
        {
            _isStopped = true;
            foreach (var followed in _followed.Values)
            {
                followed.Stop();
            }
        }
    }

    private void Leave(TicketSubscription subscription)
    {
        lock (_lock)
        {
            if (_followed.TryGetValue(subscription.TicketId, out var followed) && followed.Leave(subscription))
            {
                _subscriptions--;
                _users.Release(subscription.UserId, 1);
                if (followed.IsAlone)
                {
                    _followed.Remove(subscription.TicketId);
                    _new.Remove(subscription.TicketId);
                }
            }
        }
    }
}
