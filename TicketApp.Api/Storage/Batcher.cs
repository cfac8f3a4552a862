using System.Diagnostics;
using System.Threading.Channels;
using Npgsql;
using TicketApp.Api.Telemetry;
using TicketApp.Messaging.Tracing;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Storage;

/// <summary>
/// Lets concurrent calls share a round trip and a commit: while one batch is in progress, and a moment longer where it gathers, the next
/// one forms. A lone call waits for nobody. Memory is bounded: a call that finds the queue full is refused at once. A batch that the
/// database refuses for what is in it is halved until the culprit is alone; the others get their results.
/// </summary>
/// <typeparam name="TItem">What a call brings.</typeparam>
/// <typeparam name="TResult">What it gets.</typeparam>
internal abstract class Batcher<TItem, TResult> : SupervisedLoop
{
    private readonly int _maxBatch;
    private readonly Channel<Call> _calls;
    private int _batchLimit;

    protected Batcher(
        string operation,
        NpgsqlDataSource database,
        TicketMetrics metrics,
        LoopProgress progress,
        ILogger logger,
        int maxBatch,
        int capacity)
        : base(operation, progress, logger)
    {
        (Database, Metrics, _maxBatch, _batchLimit) = (database, metrics, maxBatch, maxBatch);
        _calls = Channel.CreateBounded<Call>(new BoundedChannelOptions(capacity) { SingleReader = true });
    }

    /// <inheritdoc/>
    public override bool IsEssential => true;

    /// <summary>Adds a call to the next batch. It cannot be cancelled: its batch ends soon, one way or the other.</summary>
    /// <exception cref="OverloadedException">Too many calls wait already, or the process is stopping.</exception>
    public Task<TResult> SubmitAsync(TItem item)
    {
        Call call = new(item);
        return _calls.Writer.TryWrite(call) ? call.Task : throw new OverloadedException();
    }

    /// <summary>
    /// Whether a batch that failed may be served a second time: it only reads, or its statement is whole or nothing and may be there twice.
    /// </summary>
    protected virtual bool IsRepeatable => false;

    /// <summary>Whether batches are fewer and larger under load, for a moment's wait: worth it where each costs a commit.</summary>
    protected virtual bool Lingers => false;

    // While the database is away, callers hear of it soon.
    protected sealed override TimeSpan MaxPause => TimeSpan.FromMilliseconds(100);

    protected TicketMetrics Metrics { get; }

    /// <summary>Where the statements go.</summary>
    protected NpgsqlDataSource Database { get; }

    /// <summary>Serves all of <paramref name="items"/>; the results are in their order.</summary>
    protected abstract Task<IReadOnlyList<TResult>> ExecuteBatchAsync(IReadOnlyList<TItem> items);

    /// <summary>
    /// <paramref name="count"/> were too many for one statement: the next batch is at most half as large, and each after it twice the one
    /// before.
    /// </summary>
    protected void Shrink(int count) => _batchLimit = Math.Max(count / 2, 1);

    /// <summary>Serves what was accepted, then ends.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        _calls.Writer.TryComplete();
        if (ExecuteTask is { } rest)
        {
            await rest.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await base.StopAsync(cancellationToken);
    }

    protected sealed override string? Explain(Exception exception) => DatabaseErrors.Describe(exception);

    protected sealed override ValueTask<bool> WaitForWorkAsync(CancellationToken stoppingToken) =>
        _calls.Reader.WaitToReadAsync(stoppingToken);

    protected sealed override async Task RunAsync(CancellationToken stoppingToken)
    {
        List<Call> calls = new(_maxBatch);
        while (calls.Count < _batchLimit && _calls.Reader.TryRead(out var call))
        {
            calls.Add(call);
        }

        if (calls.Count == 0)
        {
            return;
        }

        _batchLimit = Math.Min(_batchLimit * 2, _maxBatch);
        using (TicketTrace.StartShared(Name, calls.Select(call => call.Caller)))
        {
            await ExecuteBatchAsync(calls);
        }

        if (Lingers)
        {
            await BatchLinger.AfterAsync(calls.Count);
        }
    }

    private async Task ExecuteBatchAsync(List<Call> calls)
    {
        try
        {
            var results = await ExecuteBatchAsync(calls.ConvertAll(call => call.Item), IsRepeatable);
            Metrics.Batched(Name, calls.Count);
            for (var i = 0; i < calls.Count; i++)
            {
                calls[i].SetResult(results[i]);
            }
        }
        catch (Exception exception) when (DatabaseErrors.IsDatas(exception) && calls.Count > 1)
        {
            var half = calls.Count / 2;
            await ExecuteBatchAsync(calls[..half]);
            await ExecuteBatchAsync(calls[half..]);
        }
        catch (Exception exception)
        {
            calls.ForEach(call => call.TrySetException(exception));
            if (DatabaseErrors.IsDatas(exception))
            {
                return;
            }

            if (DatabaseErrors.IsTimeout(exception))
            {
                Shrink(calls.Count);
            }

            if (DatabaseErrors.IsSilence(exception))
            {
                // Those who wait have waited as long: they are told too, and do not wait for a second time-out.
                while (_calls.Reader.TryRead(out var waiting))
                {
                    waiting.TrySetException(exception);
                }
            }

            throw;
        }
    }

    private async Task<IReadOnlyList<TResult>> ExecuteBatchAsync(List<TItem> items, bool again)
    {
        try
        {
            return await ExecuteBatchAsync(items);
        }
        catch (Exception exception) when (again && DatabaseErrors.IsUnavailable(exception) && !DatabaseErrors.IsSilence(exception))
        {
            // After a restart of the server every pooled connection is dead, and each would fail one more batch.
            DatabaseFaults.Reconnect(Database);
        }

        return await ExecuteBatchAsync(items);
    }

    private sealed class Call(TItem item) : TaskCompletionSource<TResult>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public TItem Item { get; } = item;

        /// <summary>The span of the call, if that is traced.</summary>
        public ActivityContext Caller { get; } = TicketTrace.Current?.Context ?? default;
    }
}

/// <summary>More waits than may wait: the caller is told 503 and when to come back.</summary>
public sealed class OverloadedException : Exception
{
    public OverloadedException()
        : this("The service is at its limit.")
    {
    }

    public OverloadedException(string message)
        : base(message)
    {
    }

    public OverloadedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
