namespace TicketApp.Worker.Models;

/// <summary>What answers tickets. Each model is a class, registered by <c>services.AddModel&lt;T&gt;()</c>. See docs/models.md.</summary>
public interface IModel
{
    /// <summary>
    /// The word by which tickets choose it, for example <c>simulated</c>: up to 50 lower-case letters,
    /// digits and hyphens. Part of its queue's name.
    /// </summary>
    string Name { get; }

    /// <summary>What it answers, in a sentence for people.</summary>
    string Description { get; }

    /// <summary>What input it takes. Default: any, up to 10,000 characters.</summary>
    ModelInput Input => ModelInput.Optional;

    /// <summary>
    /// How many runs at once, unless the worker's settings say otherwise: <see cref="ModelSlots"/> has the two usual
    /// answers. Default: that of models that only wait.
    /// </summary>
    int Slots => ModelSlots.Waiting;

    /// <summary>Gets it ready, for example by loading weights. Until then its tickets wait; if it fails, the worker tries again.</summary>
    Task WarmUpAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Answers one ticket.</summary>
    /// <param name="run">What is asked, and where to report progress.</param>
    /// <param name="cancellationToken">
    /// Cancelled when the run's time is over, its ticket was canceled, or the worker stops. A model that continues regardless is abandoned
    /// seconds later.
    /// </param>
    /// <returns>The answer; a text will do.</returns>
    /// <exception cref="ModelException">The attempt failed, and the model knows more about that: whether and when to try again.</exception>
    /// <remarks>Any other exception fails the attempt as <c>model_error</c>; there may be another one.</remarks>
    ValueTask<ModelAnswer> RunAsync(ModelRun run, CancellationToken cancellationToken);
}

/// <summary>How many runs at once suit a model.</summary>
public static class ModelSlots
{
    /// <summary>For models that wait, for a clock or another machine: 100.</summary>
    public static int Waiting => 100;

    /// <summary>For models that compute: as many as the machine has cores.</summary>
    public static int Computing => Environment.ProcessorCount;
}

/// <summary>A model that is quicker with several tickets at a time. Each of them ends on its own.</summary>
public interface IBatchModel : IModel
{
    /// <summary>The most tickets of one call, from 1. <see cref="IModel.Slots"/> counts calls.</summary>
    int LargestBatch { get; }

    /// <summary>Answers several tickets.</summary>
    /// <param name="runs">From one to <see cref="LargestBatch"/>.</param>
    /// <param name="cancellationToken">Cancelled when their time is over, or none of them is wanted any more.</param>
    /// <returns>What became of each, in their order. If the call throws, each is run by itself instead.</returns>
    ValueTask<IReadOnlyList<ModelOutcome>> RunBatchAsync(IReadOnlyList<ModelRun> runs, CancellationToken cancellationToken);
}
