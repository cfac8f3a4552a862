using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Options;
using TicketApp.Api.Storage;
using TicketApp.Messaging;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Dispatch;

/// <summary>Releases tickets from the backlogs whenever their windows have room. Every replica does; none leads.</summary>
internal sealed class Dispatcher(
    DispatchStore store,
    DispatchWindows windows,
    TicketPublisher publisher,
    OpenTickets open,
    ConcurrencyLimit limit,
    IOptions<DispatchOptions> options,
    DatabaseMigrator migrator,
    LoopProgress progress,
    ILogger<Dispatcher> logger) : DatabaseLoop("dispatching", migrator, progress, logger)
{
    private const int MaxDispatch = 500;
    private static readonly TimeSpan _announceEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _countEvery = TimeSpan.FromSeconds(5);

    private readonly Signal _wake = new();
    private readonly Dictionary<string, GuardedBatch> _batches = new(StringComparer.Ordinal);
    private readonly Guid _replica = Guid.CreateVersion7();
    private long _lastAnnounced;
    private long _lastRefresh;
    private long _nextCount;

    /// <inheritdoc/>
    public override bool IsEssential => true;

    /// <summary>Tickets joined a model's backlog.</summary>
    public void BacklogGrew(string model)
    {
        windows.Of(model).SetBacklog(true);
        _wake.Set();
    }

    /// <summary><paramref name="count"/> released tickets of a model have ended or gone back: there is room again.</summary>
    public void SlotsFreed(string model, int count)
    {
        var window = windows.Of(model);
        window.Ended(count);
        // Under the limit of running tickets, what ended may have kept a ticket of any model waiting.
        if (window.HasBacklog || (limit.IsOn && windows.HasBacklog))
        {
            _wake.Set();
        }
    }

    public override void Dispose()
    {
        _wake.Dispose();
        base.Dispose();
    }

    protected override async Task WorkAsync(CancellationToken stoppingToken)
    {
        if (_lastRefresh == 0 || Stopwatch.GetElapsedTime(_lastRefresh) >= options.Value.PollInterval)
        {
            await QueryAsync(stoppingToken);
            _lastRefresh = Stopwatch.GetTimestamp();
        }

        await ReleaseAsync(stoppingToken);
    }

    protected override Task WaitAsync(CancellationToken stoppingToken) => _wake.WaitAsync(options.Value.PollInterval, stoppingToken);

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

        if (Stopwatch.GetTimestamp() >= _nextCount)
        {
            var started = Stopwatch.GetTimestamp();
            open.Counted(await store.CountOpenAsync(cancellationToken));
            // A count of millions takes a second: then it comes less often, and takes a hundredth of one core at most.
            var pause = TimeSpan.FromTicks(Math.Max(_countEvery.Ticks, 100 * Stopwatch.GetElapsedTime(started).Ticks));
            _nextCount = Stopwatch.GetTimestamp() + (long)(pause.TotalSeconds * Stopwatch.Frequency);
        }

        windows.Refresh(await store.QueryAsync(_replica, cancellationToken));
    }

    /// <summary>Fills the windows. Models take turns, a release each, so that none waits for another's backlog, nor for one that fails.</summary>
    private async Task ReleaseAsync(CancellationToken cancellationToken)
    {
        Exception? failure = null;
        var released = true;
        while (released && publisher.IsReady)
        {
            released = false;
            foreach (var (model, window) in windows.All)
            {
                try
                {
                    released |= window.HasBacklog && await ReleaseAsync(model, window, cancellationToken);
                }
                catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
                {
                    failure ??= exception;
                }
            }

            released &= failure is null;
        }

        if (failure is not null)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    private async Task<bool> ReleaseAsync(string model, DispatchWindow window, CancellationToken cancellationToken)
    {
        var granted = window.AcquireForBacklog(MaxDispatch);
        if (granted == 0)
        {
            return false;
        }

        if (!_batches.TryGetValue(model, out var batch))
        {
            _batches[model] = batch = new($"release tickets of {model}", MaxDispatch, Logger);
        }

        IReadOnlyList<TicketMessage> released = [];
        int most;
        try
        {
            (released, most) = await batch.RunAsync(
                granted, (limit, leftOut) => store.ReleaseAsync(model, limit, leftOut, cancellationToken), leftOut => store.FirstAsync(model, leftOut, cancellationToken));
        }
        finally
        {
            window.Released(released.Count);
            window.GiveBack(granted - released.Count);
        }

        publisher.Publish(released);
        // Under the limit of running tickets, users without a place may have more: only a look says that nothing waits.
        if (released.Count < most && !limit.IsOn)
        {
            window.SetBacklog(false);
        }

        // With fewer than there is room for, the next release comes with the next end, new ticket or look.
        return released.Count == most;
    }
}
