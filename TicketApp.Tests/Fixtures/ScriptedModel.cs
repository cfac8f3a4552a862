using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using TicketApp.Worker.Models;

namespace TicketApp.Tests.Fixtures;

/// <summary>
/// A model that does what its input says: reports <c>pieces</c>, answers <c>output</c> or else the pieces, fails by <c>fail</c>, or runs
/// until it is canceled (<c>hold</c>). With a <c>gate</c> it waits after each piece until another ticket does <c>open</c>. If it is to
/// <c>stumble</c>, the first attempt fails after the first piece, after which the next one does not wait.
/// </summary>
internal sealed class ScriptedModel : IModel
{
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _gates = [];

    public string Name { get; } = $"scripted-{Guid.NewGuid():N}";

    public string Description => "Does what its input says";

    public ModelInput Input => new(IsRequired: false, MaxCharacters: 100_000);

    public async ValueTask<ModelAnswer> RunAsync(ModelRun run, CancellationToken cancellationToken)
    {
        var script = JsonNode.Parse(run.Text ?? "{}")!.AsObject();
        if ((string?)script["open"] is { } opened)
        {
            Gate(opened).Release();
            return "opened";
        }

        if ((string?)script["fail"] is { } reason)
        {
            throw new ModelException(reason) { IsFinal = true };
        }

        string[] pieces = [.. script["pieces"]?.AsArray().Select(piece => (string)piece!) ?? []];
        for (var i = 0; i < pieces.Length; i++)
        {
            run.Progress.Report(new(Text: pieces[i]));
            if ((string?)script["gate"] is { } gate && (i > 0 || run.Attempt == 1))
            {
                await Gate(gate).WaitAsync(cancellationToken);
            }

            if (script["stumble"] is not null && run.Attempt == 1)
            {
                throw new ModelException("Stumbled");
            }
        }

        if (script["hold"] is not null)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }

        return script["output"] is { } output ? ModelAnswer.Json(output.ToJsonString()) : string.Concat(pieces);
    }

    private SemaphoreSlim Gate(string name) => _gates.GetOrAdd(name, _ => new(0));
}
