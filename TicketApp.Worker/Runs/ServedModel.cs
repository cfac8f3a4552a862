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
    public int Tickets => Slots * LargestBatchOf(Model);

    /// <summary>Ends once it can run.</summary>
    public Task Warm => _warm.Task;

    /// <summary>What heartbeats say of it now, once it is warm.</summary>
    public ModelOffer CurrentOffer => Offer! with { IsUnavailable = Model.IsUnavailable };

    /// <summary>What they say of it as long as it is available.</summary>
    public ModelOffer? Offer { get; private set; }

    public void IsWarm()
    {
        var input = Model.Input;
        Offer = new()
        {
            Name = Model.Name,
            Description = Model.Description,
            InputRequired = input.IsRequired,
            MaxInputCharacters = input.MaxCharacters,
            LargestBatch = LargestBatchOf(Model),
            Kind = Model.Kind,
            InputSchemaId = input.Schema?.Id,
            InputSchema = input.Schema is { } schema ? new(schema.Json, IsJson: true) : null,
            Slots = Tickets,
        };
        _warm.TrySetResult();
    }

    private static int LargestBatchOf(IModel model) => (model as IBatchModel)?.LargestBatch ?? 1;
}
