using TicketApp.Messaging;
using TicketApp.Worker.Models;

namespace TicketApp.Worker.Runs;

/// <summary>A model that this worker serves.</summary>
internal sealed class ServedModel(IModel model, int slots)
{
    private readonly TaskCompletionSource _warm = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public IModel Model { get; } = model;

    /// <summary>How many runs at once; a batch is one.</summary>
    public int Slots { get; } = slots;

    /// <summary>How many tickets at once.</summary>
    public int Tickets => Slots * Offer.LargestBatch;

    /// <summary>Ends once it can run.</summary>
    public Task Warm => _warm.Task;

    /// <summary>What heartbeats say of it.</summary>
    public ModelOffer Offer { get; } = new()
    {
        Name = model.Name,
        Description = model.Description,
        InputRequired = model.Input.IsRequired,
        MaxInputCharacters = model.Input.MaxCharacters,
        LargestBatch = LargestBatchOf(model),
        Slots = slots * LargestBatchOf(model),
    };

    public void IsWarm() => _warm.TrySetResult();

    private static int LargestBatchOf(IModel model) => (model as IBatchModel)?.LargestBatch ?? 1;
}
