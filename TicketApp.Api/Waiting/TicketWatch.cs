using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Options;
using TicketApp.Api.Database;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Tickets;

namespace TicketApp.Api.Waiting;

/// <summary>
/// Tells requests of the tickets that they follow. Whatever their number, one statement a tick asks for all of them, whichever replica changed the tickets;
/// what this replica ends itself is looked up at once. Nothing is asked while nobody waits.
/// </summary>
internal sealed partial class TicketWatch(
    TicketWatchStore store,
    SucceededTickets succeeded,
    DatabaseMigrator migrator,
    IHostApplicationLifetime lifetime,
    IOptions<WaitingOptions> options,
    ILogger<TicketWatch> logger) : BackgroundService
{
    // Hints that come one after the other share a look.
    private static readonly TimeSpan _gathering = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan _idle = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<Guid, WatchedTicket> _watched = [];
    private readonly ConcurrentQueue<Guid> _hints = new();
    private readonly Signal _wake = new();
    private int _watchers;
    private bool _isStopped;

    /// <summary>Follows a ticket from <paramref name="seen"/> on.</summary>
    /// <exception cref="OverloadedException">As many requests wait as may.</exception>
    public TicketWatcher Watch(TicketRow seen)
    {
        TicketWatcher watcher = new(seen, Leave);
        lock (_lock)
        {
            if (_isStopped || _watchers >= options.Value.MaxWaiters)
            {
                throw new OverloadedException("Too many requests wait.");
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
            Changed(seen.TicketId);
        }

        return watcher;
    }

    /// <summary>This replica has changed the ticket: whoever follows it is told without waiting for the tick.</summary>
    public void Changed(Guid ticketId)
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

    public override void Dispose()
    {
        _wake.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // The server waits for its requests before this service is stopped.
        using var stopping = lifetime.ApplicationStopping.Register(StopWatchers);
        await migrator.Ready.WaitAsync(stoppingToken);
        var lastTick = Stopwatch.GetTimestamp();
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var untilTick = options.Value.Tick - Stopwatch.GetElapsedTime(lastTick);
                if (untilTick > TimeSpan.Zero)
                {
                    await _wake.WaitAsync(IsIdle ? _idle : untilTick, stoppingToken);
                    await Task.Delay(_gathering, stoppingToken);
                }

                var isTick = Stopwatch.GetElapsedTime(lastTick) >= options.Value.Tick;
                lastTick = isTick ? Stopwatch.GetTimestamp() : lastTick;
                await LookAsync(isTick ? All() : Hinted(), stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                Log.Failed(logger, exception.GetBaseException().Message);
                await Task.Delay(TimeSpan.FromMilliseconds(500), stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

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

    private async Task LookAsync(WatchedVersion[] known, CancellationToken cancellationToken)
    {
        if (known.Length == 0)
        {
            return;
        }

        foreach (var (ticketId, row) in await store.ChangedAsync(known, cancellationToken))
        {
            lock (_lock)
            {
                // Under the lock, so that nobody is told after leaving.
                _watched.GetValueOrDefault(ticketId)?.Tell(row);
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
                if (watched.IsAlone)
                {
                    _watched.Remove(watcher.TicketId);
                }
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Warning, Message = "Requests wait for the database to tell of their tickets: {Reason}")]
        public static partial void Failed(ILogger logger, string reason);
    }
}
