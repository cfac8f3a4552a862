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
/// Tells requests of the tickets that they follow. Whatever their number, one statement a tick asks for all of them, whichever replica
/// changed the tickets; what this replica ends itself is looked up at once. Nothing is asked while nobody waits.
/// </summary>
internal sealed class TicketWatch(
    TicketWatchStore store,
    SucceededTickets succeeded,
    IHostApplicationLifetime lifetime,
    IOptions<WaitingOptions> options,
    IOptions<LimitOptions> limits,
    DatabaseMigrator migrator,
    LoopProgress progress,
    ILogger<TicketWatch> logger) : DatabaseLoop("news of tickets that are waited for", migrator, progress, logger), ITicketObserver
{
    // Hints that come one after the other share a look.
    private static readonly TimeSpan _gathering = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan _idle = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<Guid, WatchedTicket> _watched = [];
    private readonly UserShares _users = new();
    private readonly ConcurrentQueue<Guid> _hints = new();
    private readonly Signal _wake = new();
    private CancellationTokenRegistration _stopping;
    private long _lastPoll;
    private int _watchers;
    private bool _isStopped;

    /// <summary>Follows a ticket from <paramref name="seen"/> on.</summary>
    /// <exception cref="OverloadedException">As many requests wait as may, in all or for the ticket's user.</exception>
    public TicketWatcher Watch(TicketRecord seen)
    {
        TicketWatcher watcher = new(seen, Leave);
        lock (_lock)
        {
            if (_isStopped || _watchers >= options.Value.MaxWaiters)
            {
                throw new OverloadedException("Too many requests wait.");
            }

            if (!_users.TryTake(seen.UserId, 1, limits.Value.ShareOf(options.Value.MaxWaiters)))
            {
                throw new OverloadedException("Too many requests wait for tickets of one user.");
            }

            _watchers++;
            if (_watched.TryGetValue(seen.TicketId, out var watched))
            {
                watched.Join(watcher, seen);
            }
            else
            {
                _watched[seen.TicketId] = new(watcher, seen);
            }

            if (_watched.Count == 1)
            {
                _wake.Set();
            }
        }

        if (succeeded.Find(seen.TicketId) is not null)
        {
            // It ended here between being read and being followed.
            OnChanged(seen.TicketId);
        }

        return watcher;
    }

    public void OnEnded(IReadOnlyList<EndedTicket> tickets)
    {
        foreach (var (ticket, _, _) in tickets)
        {
            OnChanged(ticket.TicketId);
        }
    }

    /// <summary>This replica changed the ticket: requests that follow it are told without waiting for the next poll.</summary>
    public void OnChanged(Guid ticketId)
    {
        if (Volatile.Read(ref _watchers) == 0)
        {
            return;
        }

        lock (_lock)
        {
            if (!_watched.ContainsKey(ticketId))
            {
                return;
            }
        }

        _hints.Enqueue(ticketId);
        _wake.Set();
    }

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        // The server waits for its requests before this service is stopped.
        _stopping = lifetime.ApplicationStopping.Register(StopWatchers);
        return base.StartAsync(cancellationToken);
    }

    public override void Dispose()
    {
        _stopping.Dispose();
        _wake.Dispose();
        base.Dispose();
    }

    protected override Task WorkAsync(CancellationToken stoppingToken)
    {
        if (UntilPoll > TimeSpan.Zero)
        {
            return QueryAsync(Hinted(), stoppingToken);
        }

        _lastPoll = Stopwatch.GetTimestamp();
        return QueryAsync(All(), stoppingToken);
    }

    protected override async Task WaitAsync(CancellationToken stoppingToken)
    {
        if (UntilPoll is var pause && pause > TimeSpan.Zero)
        {
            await _wake.WaitAsync(IsIdle ? _idle : pause, stoppingToken);
            await Task.Delay(_gathering, stoppingToken);
        }
    }

    private TimeSpan UntilPoll => options.Value.PollInterval - Stopwatch.GetElapsedTime(_lastPoll);

    private bool IsIdle
    {
        get
        {
            lock (_lock)
            {
                return _watched.Count == 0;
            }
        }
    }

    private async Task QueryAsync(WatchedVersion[] known, CancellationToken cancellationToken)
    {
        if (known.Length == 0)
        {
            return;
        }

        var (changed, progress) = await store.QueryAsync(known, cancellationToken);
        // Under the lock, so that nobody is told after leaving.
        lock (_lock)
        {
            foreach (var (ticketId, row) in changed)
            {
                _watched.GetValueOrDefault(ticketId)?.Tell(row);
            }

            foreach (var (ticketId, sequence) in progress)
            {
                _watched.GetValueOrDefault(ticketId)?.TellProgress(sequence);
            }
        }
    }

    private WatchedVersion[] All()
    {
        _hints.Clear();
        lock (_lock)
        {
            return [.. _watched.Values.Select(watched => watched.Version)];
        }
    }

    private WatchedVersion[] Hinted()
    {
        HashSet<Guid> hinted = [];
        while (_hints.TryDequeue(out var ticketId))
        {
            hinted.Add(ticketId);
        }

        lock (_lock)
        {
            return [.. hinted.Where(_watched.ContainsKey).Select(ticketId => _watched[ticketId].Version)];
        }
    }

    private void StopWatchers()
    {
        lock (_lock)
        {
            _isStopped = true;
            foreach (var watched in _watched.Values)
            {
                watched.Stop();
            }
        }
    }

    private void Leave(TicketWatcher watcher)
    {
        lock (_lock)
        {
            if (_watched.TryGetValue(watcher.TicketId, out var watched) && watched.Leave(watcher))
            {
                _watchers--;
                _users.Release(watcher.UserId, 1);
                if (watched.IsAlone)
                {
                    _watched.Remove(watcher.TicketId);
                }
            }
        }
    }
}
