using TicketApp.ServiceDefaults;
using TicketApp.Worker.Models;

namespace TicketApp.Worker.Runs;

/// <summary>The runners of the models that this worker serves.</summary>
internal sealed class ModelRunners : IDisposable
{
    private readonly Dictionary<string, (IModel Model, IModelRunner Runner)> _runners;

    public ModelRunners(ServedModels models, RunEnds ends, StuckRuns abandoned, LoopProgress progress, ILogger<BatchRunner> logger) =>
        _runners = models.All.ToDictionary(served => served.Model.Name, served => (served.Model, served.Model is IBatchModel batch
            ? new BatchRunner(served, batch, ends, abandoned, progress, logger)
            : (IModelRunner)new ModelRunner(served, ends, abandoned)));

    /// <summary>Runs a ticket once there is a slot for it, if its model is served here and takes its input.</summary>
    public bool TryTake(Run run, out (string Type, string Message) defect)
    {
        defect = default;
        if (!_runners.TryGetValue(run.Ticket.Model, out var served))
        {
            defect = ("unknown_model", $"No such model here: {run.Ticket.Model}");
            return false;
        }

        if (served.Model.Input.Defect(run.Ticket.Input) is { } reason)
        {
            defect = ("invalid_input", reason);
            return false;
        }

        served.Runner.Take(run);
        return true;
    }

    public void Dispose()
    {
        foreach (var (_, runner) in _runners.Values)
        {
            runner.Dispose();
        }
    }
}

/// <summary>Runs the tickets of one model, as many at once as it has slots.</summary>
internal sealed class ModelRunner(ServedModel served, RunEnds ends, StuckRuns abandoned) : IModelRunner
{
    private readonly SemaphoreSlim _slots = new(served.Slots);

    public void Take(Run run) => _ = RunAsync(run);

    public void Dispose() => _slots.Dispose();

    private async Task RunAsync(Run run)
    {
        try
        {
            await _slots.WaitAsync(run.Token);
        }
        catch (OperationCanceledException)
        {
            ends.Stopped(run);
            return;
        }

        try
        {
            if (run.IsStale)
            {
                ends.Dropped(run);
            }
            else
            {
                await CallAsync(run);
            }
        }
        catch (Exception exception)
        {
            ends.Failed(run, exception);
        }
        finally
        {
            _slots.Release();
        }
    }

    private async Task CallAsync(Run run)
    {
        // On a thread of its own for as long as it wants one: a model that blocks must not hold up deliveries.
        var call = Task.Run(() => CallModelAsync(run));
        try
        {
            await call.WaitAsync(run.Abandoned);
        }
        catch (OperationCanceledException)
        {
            if (ends.Stopped(run))
            {
                abandoned.Add(served.Model.Name, call);
            }
        }
    }

    private async Task CallModelAsync(Run run)
    {
        try
        {
            run.Start();
            ends.Answered(run, await served.Model.RunAsync(run.ForModel(), run.Token));
        }
        catch (Exception exception)
        {
            ends.Failed(run, exception);
        }
    }
}

/// <summary>Has the slots of one model.</summary>
internal interface IModelRunner : IDisposable
{
    /// <summary>Runs it once there is a slot, and ends it. Does not wait for that.</summary>
    void Take(Run run);
}
