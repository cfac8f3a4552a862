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
