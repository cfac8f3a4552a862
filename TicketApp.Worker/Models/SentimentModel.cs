using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using TicketApp.Messaging;
using TicketApp.Sentiment;

namespace TicketApp.Worker.Models;

/// <summary>Tells whether the input is happy or sad, with how likely that is. See docs/models/sentiment.md.</summary>
internal sealed class SentimentModel(IOptions<SentimentOptions> options) : IBatchModel
{
    // Its weights take megabytes, which a worker that serves other models only does not spend.
    private readonly Lazy<SentimentClassifier> _classifier = new(SentimentClassifier.Load);

    public string Name => ModelNames.Sentiment;

    public string Description => "Reads an English text and answers happy or sad, with how likely that is";

    public int Slots => ModelSlots.Computing;

    public int LargestBatch => 32;

    public Task WarmUpAsync(CancellationToken cancellationToken)
    {
        _ = Answer("ready");
        return Task.CompletedTask;
    }

    public ValueTask<ModelAnswer> RunAsync(ModelRun run, CancellationToken cancellationToken) => new(Answer(run.Text));

    public ValueTask<IReadOnlyList<ModelOutcome>> RunBatchAsync(IReadOnlyList<ModelRun> runs, CancellationToken cancellationToken)
    {
        var outcomes = new ModelOutcome[runs.Count];
        for (var i = 0; i < outcomes.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            outcomes[i] = ModelOutcome.Answered(Answer(runs[i].Text));
        }

        return new(outcomes);
    }

    private ModelAnswer Answer(string? text)
    {
        var happy = _classifier.Value.Classify(text);
        var probability = Math.Max(happy, 1 - happy);
        JsonObject details = new() { ["probability"] = Math.Round(probability, 4) };
        if (probability < options.Value.UnsureBelow)
        {
            details["unsure"] = true;
        }

        return new ModelAnswer(happy >= 0.5 ? "Happy message" : "Sad message") { Details = details };
    }
}
