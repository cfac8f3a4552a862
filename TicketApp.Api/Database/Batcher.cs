using System.Diagnostics;
using System.Threading.Channels;
using Npgsql;
using TicketApp.Api.Telemetry;
using TicketApp.Contracts;
using TicketApp.Contracts.Tracing;

namespace TicketApp.Api.Database;

/// <summary>
/// Lets concurrent calls share a round trip and a commit: while one batch is under way, and a moment longer where it gathers, the next one forms.
/// A lone call waits for nobody. Memory is bounded: a call that finds the queue full is refused at once.
/// </summary>
/// <typeparam name="TItem">What a call brings.</typeparam>
/// <typeparam name="TResult">What it gets.</typeparam>
internal abstract class Batcher<TItem, TResult>(NpgsqlDataSource database, TicketMetrics metrics, int largestBatch, int capacity) : BackgroundService
{
    private readonly Channel<Call> _calls = Channel.CreateBounded<Call>(new BoundedChannelOptions(capacity) { SingleReader = true });

    /// <summary>Adds a call to the next batch. It cannot be cancelled: its batch ends soon, one way or the other.</summary>
    /// <exception cref="OverloadedException">Too many calls wait already, or the process is stopping.</exception>
    public Task<TResult> SubmitAsync(TItem item)
    {
        Call call = new(item);
        return _calls.Writer.TryWrite(call) ? call.Task : throw new OverloadedException();
    }

    /// <summary>What a batch does, as its span is named.</summary>
    protected abstract string Work { get; }

    /// <summary>Whether a batch that failed may be served a second time: it only reads, or its statement is whole or nothing and may be there twice.</summary>
    protected virtual bool IsRepeatable => false;

    /// <summary>Whether batches are fewer and larger under load, for a moment's wait: worth it where each costs a commit.</summary>
    protected virtual bool IsGathering => false;

    protected TicketMetrics Metrics { get; } = metrics;

    /// <summary>Where the statements go.</summary>
    protected NpgsqlDataSource Database { get; } = database;

    /// <summary>Serves all of <paramref name="items"/>; the results are in their order.</summary>
    protected abstract Task<IReadOnlyList<TResult>> ServeAsync(IReadOnlyList<TItem> items);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        _calls.Writer.TryComplete();
        await base.StopAsync(cancellationToken);
    }

    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        List<Call> calls = new(largestBatch);
        // Not bound to the stopping token: what was accepted is served, then the completed channel ends the loop.
        while (await _calls.Reader.WaitToReadAsync(CancellationToken.None))
        {
            while (calls.Count < largestBatch && _calls.Reader.TryRead(out var call))
            {
                calls.Add(call);
            }

            await ServeAsync(calls);
            if (IsGathering)
            {
                await Gathering.AfterAsync(calls.Count);
            }

            calls.Clear();
        }
    }

    private async Task ServeAsync(List<Call> calls)
    {
        using var span = TicketTrace.StartShared(Work, calls.Select(call => call.Caller));
        try
        {
            var results = await ServeAsync(calls.ConvertAll(call => call.Item), IsRepeatable);
            Metrics.Batched(Work, calls.Count);
            for (var i = 0; i < calls.Count; i++)
            {
                calls[i].SetResult(results[i]);
            }
        }
        catch (Exception exception)
        {
            foreach (var call in calls)
            {
                call.TrySetException(exception);
            }
        }
    }

    private async Task<IReadOnlyList<TResult>> ServeAsync(List<TItem> items, bool again)
    {
        try
        {
            return await ServeAsync(items);
        }
        catch (Exception exception) when (DatabaseErrors.IsUnavailable(exception))
        {
            // After a restart of the server every pooled connection is dead, and each would fail one more batch.
            Database.Clear();
            (Database as NpgsqlMultiHostDataSource)?.ClearDatabaseStates();
            if (!again)
            {
                throw;
            }
        }

        return await ServeAsync(items);
    }

    private sealed class Call(TItem item) : TaskCompletionSource<TResult>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public TItem Item { get; } = item;

        /// <summary>The span of the call, if that is traced.</summary>
        public ActivityContext Caller { get; } = TicketTrace.Current?.Context ?? default;
    }
}
