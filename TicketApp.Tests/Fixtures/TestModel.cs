using TicketApp.Worker.Models;

namespace TicketApp.Tests.Fixtures;

/// <summary>A model that does what a test says, under a name of its own.</summary>
internal class TestModel(Func<ModelRun, CancellationToken, Task<string>> answer, int slots = 4) : IModel
{
    public string Name { get; } = $"test-{Guid.NewGuid():N}";

    public string Description => "What a test says";

    public int Slots => slots;

    public async ValueTask<ModelAnswer> RunAsync(ModelRun run, CancellationToken cancellationToken) => await answer(run, cancellationToken);
}

/// <summary>The same for several tickets at a time.</summary>
internal sealed class TestBatchModel(
    Func<IReadOnlyList<ModelRun>, Task<IReadOnlyList<ModelOutcome>>> batch,
    Func<ModelRun, CancellationToken, Task<string>> answer,
    int largest)
    : TestModel(answer, slots: 1), IBatchModel
{
    public int LargestBatch => largest;

    public async ValueTask<IReadOnlyList<ModelOutcome>> RunBatchAsync(IReadOnlyList<ModelRun> runs, CancellationToken cancellationToken) =>
        await batch(runs);
}
