namespace TicketApp.Worker.Runs;

/// <summary>Runs the tickets of one model, as many at once as it has slots.</summary>
internal sealed class ModelRunner(ServedModel served, RunEnds ends) : IModelRunner, IDisposable
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

        // On a thread of its own for as long as it wants one: a model that blocks must not hold up deliveries.
        if (run.IsStale ? ends.Dropped(run) : await Task.Run(() => RunModelAsync(run)))
        {
            _slots.Release();
        }
    }

    private async Task<bool> RunModelAsync(Run run)
    {
        run.Start();
        try
        {
            return ends.Answered(run, await served.Model.RunAsync(run.ForModel(), run.Token));
        }
        catch (Exception exception)
        {
            return ends.Failed(run, exception);
        }
    }
}
