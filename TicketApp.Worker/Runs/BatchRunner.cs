using System.Threading.Channels;
using TicketApp.ServiceDefaults;
using TicketApp.Worker.Models;

namespace TicketApp.Worker.Runs;

/// <summary>
/// Runs the tickets of one model together: what is at hand when a slot is free, and what comes within a few milliseconds. Each run ends
/// on its own: one that is told to stop ends at once, and its place in the batch counts for nothing.
/// </summary>
internal sealed partial class BatchRunner : IModelRunner
{
    private static readonly TimeSpan _gathering = TimeSpan.FromMilliseconds(3);

    private readonly Channel<Run> _waiting = Channel.CreateUnbounded<Run>();
    private readonly ServedModel _served;
    private readonly IBatchModel _model;
    private readonly RunEnds _ends;
    private readonly StuckRuns _abandoned;
    private readonly ILogger _logger;
    private readonly Slot[] _slots;

    public BatchRunner(ServedModel served, IBatchModel model, RunEnds ends, StuckRuns abandoned, LoopProgress progress, ILogger logger)
    {
        (_served, _model, _ends, _abandoned, _logger) = (served, model, ends, abandoned, logger);
        _slots =
        [
            .. Enumerable.Range(1, served.Slots)
                .Select(number => new Slot(this, $"slot {number} of {served.Model.Name}", progress, logger)),
        ];
        foreach (var slot in _slots)
        {
            _ = slot.StartAsync(CancellationToken.None);
        }
    }

    public void Take(Run run)
    {
        run.Token.UnsafeRegister(_ => _ends.Stopped(run), null);
        _waiting.Writer.TryWrite(run);
    }

    public void Dispose()
    {
        _waiting.Writer.TryComplete();
        foreach (var slot in _slots)
        {
            slot.Dispose();
        }
    }

    private async Task TakeBatchAsync(Action running)
    {
        List<Run> batch = [];
        try
        {
            Gather(batch);
            if (batch.Count > 0 && batch.Count < _model.LargestBatch)
            {
                await Task.Delay(_gathering);
                Gather(batch);
            }

            // It may take as long as its runs may.
            running();
            if (batch.Count > 0)
            {
                await CallAsync(batch);
            }
        }
        catch (Exception exception)
        {
            batch.ForEach(run => _ends.Failed(run, exception));
            throw;
        }
    }

    private void Gather(List<Run> batch)
    {
        while (batch.Count < _model.LargestBatch && _waiting.Reader.TryRead(out var run))
        {
            if (run.IsStale)
            {
                _ends.Dropped(run);
            }
            else if (!run.HasEnded)
            {
                run.Start();
                batch.Add(run);
            }
        }
    }

    private async Task CallAsync(List<Run> batch)
    {
        // Not before the last of them is: each has its own limit, and may be told to stop by itself.
        using CancellationTokenSource unwanted = new();
        using CancellationTokenSource abandoned = new();
        var wanted = batch.Count;
        List<CancellationTokenRegistration> registrations =
        [
            .. batch.Select(run => run.Token.UnsafeRegister(
                _ =>
                {
                    if (Interlocked.Decrement(ref wanted) == 0)
                    {
                        // By its own clock: the runs have ended and are gone, and what the model does when it is told may block.
                        abandoned.CancelAfter(Run.StopGrace);
                        _ = unwanted.CancelAsync();
                    }
                },
                null)),
        ];
        var token = unwanted.Token;
        var call = Task.Run(() => CallModelAsync(batch, token), CancellationToken.None);
        try
        {
            await call.WaitAsync(abandoned.Token);
        }
        catch (OperationCanceledException)
        {
            _abandoned.Add(_served.Model.Name, call);
        }

        foreach (var registration in registrations)
        {
            await registration.DisposeAsync();
        }
    }

    private async Task CallModelAsync(List<Run> batch, CancellationToken cancellationToken)
    {
        try
        {
            var outcomes = await _model.RunBatchAsync(batch.ConvertAll(run => run.ForModel()), cancellationToken);
            if (outcomes.Count != batch.Count)
            {
                throw new InvalidOperationException($"The model had {batch.Count} runs and said what became of {outcomes.Count}.");
            }

            for (var i = 0; i < batch.Count; i++)
            {
                End(batch[i], outcomes[i]);
            }
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            Log.BatchFailed(_logger, exception, _served.Model.Name, batch.Count);
            foreach (var run in batch)
            {
                await CallSingleAsync(run);
            }
        }
        catch (Exception)
        {
            // None of them is wanted any more: all have ended.
        }
    }

    private async Task CallSingleAsync(Run run)
    {
        if (run.HasEnded)
        {
            return;
        }

        try
        {
            _ends.Answered(run, await _model.RunAsync(run.ForModel(), run.Token));
        }
        catch (Exception exception)
        {
            _ends.Failed(run, exception);
        }
    }

    private void End(Run run, ModelOutcome outcome)
    {
        if (outcome.Answer is { } answer)
        {
            _ends.Answered(run, answer);
        }
        else
        {
            _ends.Failed(run, outcome.Failure ?? new InvalidOperationException("The model neither answered nor failed."));
        }
    }

    /// <summary>Runs one batch after the other.</summary>
    private sealed class Slot(BatchRunner runner, string name, LoopProgress progress, ILogger logger)
        : SupervisedLoop(name, progress, logger)
    {
        protected override ValueTask<bool> WaitForWorkAsync(CancellationToken stoppingToken) =>
            runner._waiting.Reader.WaitToReadAsync(stoppingToken);

        protected override Task RunAsync(CancellationToken stoppingToken) => runner.TakeBatchAsync(Completed);
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Warning,
            Message = "The model {Model} failed with a batch of {Count}; each is run by itself")]
        public static partial void BatchFailed(ILogger logger, Exception exception, string model, int count);
    }
}
