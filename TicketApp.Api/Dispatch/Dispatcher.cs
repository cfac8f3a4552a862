using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Options;
using TicketApp.Api.Storage;
using TicketApp.Messaging;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Dispatch;

/// <summary>Dispatches tickets from the backlogs whenever their windows have capacity. Every replica does; there is no leader.</summary>
internal sealed class Dispatcher(
    DispatchStore store,
    DispatchWindows windows,
    TicketPublisher publisher,
    ConcurrencyLimit limit,
    IOptions<DispatchOptions> options,
    DatabaseMigrator migrator,
    LoopProgress progress,
    ILogger<Dispatcher> logger) : DatabaseLoop("dispatching", migrator, progress, logger)
{
    private const int MaxDispatch = 500;
    private static readonly TimeSpan _announceEvery = TimeSpan.FromSeconds(5);

    // Where dispatched tickets end as fast as others are dispatched, there is always more to do.
    private static readonly TimeSpan _maxRound = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, GuardedBatch> _batches = new(StringComparer.Ordinal);
    private readonly Guid _replica = Guid.CreateVersion7();
    private long _lastAnnounced;
    private long _lastRefresh;

    /// <inheritdoc/>
    public override bool IsEssential => true;

    protected override TimeSpan PollInterval => options.Value.PollInterval;

    /// <summary>Tickets joined a model's backlog.</summary>
    public void BacklogGrew(string model)
    {
        windows.Of(model).SetBacklog(true);
        Wake();
    }

    /// <summary><paramref name="count"/> dispatched tickets of a model have ended or were returned: its window has capacity.</summary>
    public void SlotsFreed(string model, int count)
    {
        var window = windows.Of(model);
        window.Ended(count);
        // Under the limit of running tickets, what ended may have kept a ticket of any model waiting.
        if (window.HasBacklog || (limit.IsOn && windows.HasBacklog))
        {
            Wake();
        }
    }

    protected override async Task WorkAsync(CancellationToken stoppingToken)
    {
        if (_lastRefresh == 0 || Stopwatch.GetElapsedTime(_lastRefresh) >= options.Value.PollInterval)
        {
            await QueryAsync(stoppingToken);
            _lastRefresh = Stopwatch.GetTimestamp();
        }

        await DispatchAsync(stoppingToken);
    }

    protected override async Task OnStoppedAsync()
    {
        try
        {
            await store.LeaveAsync(_replica, CancellationToken.None);
        }
        catch (Exception exception) when (DatabaseErrors.IsUnavailable(exception))
        {
            // The others notice in a few seconds anyway.
        }
    }

    private async Task QueryAsync(CancellationToken cancellationToken)
    {
        if (_lastAnnounced == 0 || Stopwatch.GetElapsedTime(_lastAnnounced) >= _announceEvery)
        {
            await store.AnnounceAsync(_replica, cancellationToken);
            _lastAnnounced = Stopwatch.GetTimestamp();
        }

        windows.Refresh(await store.QueryAsync(_replica, cancellationToken));
    }

    /// <summary>
    /// Fills the windows. Models take turns, a dispatch each, so that none waits for another's backlog, nor for one that fails.
    /// </summary>
    private async Task DispatchAsync(CancellationToken cancellationToken)
    {
        Exception? failure = null;
        var started = Stopwatch.GetTimestamp();
        var dispatched = true;
        while (dispatched && publisher.IsReady)
        {
            if (Stopwatch.GetElapsedTime(started) > _maxRound)
            {
                Wake();
                break;
            }

            dispatched = false;
            foreach (var (model, window) in windows.All)
            {
                try
                {
                    dispatched |= window.HasBacklog && await DispatchAsync(model, window, cancellationToken);
                }
                catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
                {
                    failure ??= exception;
                }
            }

            dispatched &= failure is null;
        }

        if (failure is not null)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    private async Task<bool> DispatchAsync(string model, DispatchWindow window, CancellationToken cancellationToken)
    {
        var granted = window.AcquireForBacklog(MaxDispatch);
        if (granted == 0)
        {
            return false;
        }

        if (!_batches.TryGetValue(model, out var batch))
        {
            _batches[model] = batch = new($"dispatch tickets of {model}", MaxDispatch, Logger);
        }

        IReadOnlyList<TicketMessage> dispatched = [];
        int most;
        try
        {
            (dispatched, most) = await batch.RunAsync(
                granted,
                (limit, leftOut) => store.DispatchAsync(model, limit, leftOut, cancellationToken),
                leftOut => store.FirstAsync(model, leftOut, cancellationToken));
        }
        finally
        {
            window.Committed(dispatched.Count);
            window.Release(granted - dispatched.Count);
        }

        publisher.Publish(dispatched);
        // Under the limit of running tickets, users without a place may have more: only a query says that nothing waits.
        if (dispatched.Count < most && !limit.IsOn)
        {
            window.SetBacklog(false);
        }

        // With fewer than the window has capacity for, the next dispatch comes with the next end, new ticket or query.
        return dispatched.Count == most;
    }
}
