namespace TicketApp.Worker.Models;

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
