using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using TicketApp.Messaging;

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

    /// <summary>
    /// Which inputs and responses it has, in a word that callers know, such as <c>chat</c>: up to 50 characters. Default: none.
    /// </summary>
    string? Kind => null;

    /// <summary>What input it takes. Default: any, up to 10,000 characters.</summary>
    ModelInput Input => ModelInput.Optional;

    /// <summary>
    /// How many runs at once, unless the worker's settings say otherwise: <see cref="ModelSlots"/> has the two usual
    /// answers. Default: that of models that only wait.
    /// </summary>
    int Slots => ModelSlots.Waiting;

    /// <summary>
    /// Whether its runs wait, since what it asks cannot be reached or takes no more for now. Heartbeats say so, and tickets that wait show
    /// it. Default: false.
    /// </summary>
    bool IsUnavailable => false;

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

/// <summary>What input a model takes. The Api refuses any other at once.</summary>
/// <param name="IsRequired">Whether it cannot run without.</param>
/// <param name="MaxCharacters">The longest, in UTF-16 characters; of JSON, those of its text.</param>
public readonly record struct ModelInput(bool IsRequired, int MaxCharacters)
{
    private const int UsualMaxCharacters = 10_000;

    /// <summary>
    /// What it has to be, beside that. The Api checks it when a ticket is submitted; the model reads it with care nevertheless. Null:
    /// anything. Read when the model is warm.
    /// </summary>
    public InputSchema? Schema { get; init; }

    public static ModelInput Optional { get; } = new(false, UsualMaxCharacters);

    public static ModelInput Required { get; } = new(true, UsualMaxCharacters);

    /// <summary>Why <paramref name="input"/> cannot be run; null if it can.</summary>
    public string? Defect(Payload? input)
    {
        if (input is not { Text: { Length: > 0 } text })
        {
            return IsRequired ? "This model needs input" : null;
        }

        return text.Length > MaxCharacters ? $"The input has more than {MaxCharacters} characters" : null;
    }
}

/// <summary>One run, as its model sees it.</summary>
/// <param name="TicketId">The ticket.</param>
/// <param name="Input">What is asked, any JSON within the model's <see cref="ModelInput"/>; may be null unless it is required.</param>
/// <param name="Attempt">The attempt that this is, from 1.</param>
/// <param name="Progress">Takes progress at any rate; callers see it a few times a second. No progress costs nothing.</param>
public sealed record ModelRun(Guid TicketId, Payload? Input, int Attempt, IProgress<ModelProgress> Progress)
{
    /// <summary><see cref="Input"/> as text, for models that read nothing else: the JSON text where it is JSON.</summary>
    public string? Text => Input?.Text;

    /// <summary>When the time of this run is over.</summary>
    public DateTimeOffset Ends { get; init; } = DateTimeOffset.MaxValue;

    /// <summary>When the ticket expires, however many attempts it would have.</summary>
    public DateTimeOffset Deadline { get; init; } = DateTimeOffset.MaxValue;
}

/// <summary>How far a run is.</summary>
/// <param name="Fraction">From 0 to 1, if known.</param>
/// <param name="Text">What the answer has grown by, for models that write it piece by piece.</param>
public readonly record struct ModelProgress(double? Fraction = null, string? Text = null);

/// <summary>What a model answers.</summary>
/// <param name="Response">The response, up to 1,000,000 characters: a string, or what <see cref="Json(string)"/> makes.</param>
public sealed record ModelAnswer(Payload Response)
{
    /// <summary>What else there is to know of it, for example <c>{"probability":0.97}</c>.</summary>
    public JsonObject? Details { get; init; }

    public static implicit operator ModelAnswer(string response) => FromString(response);

    public static implicit operator ModelAnswer(JsonElement response) => FromJsonElement(response);

    /// <summary>A text without details.</summary>
    public static ModelAnswer FromString(string response) => new(Payload.FromString(response));

    /// <summary>A JSON value without details. It may be nested 64 deep, and a string is a text.</summary>
    /// <exception cref="JsonException">It is <c>null</c>, or nested deeper.</exception>
    public static ModelAnswer FromJsonElement(JsonElement response) => Json(JsonMarshal.GetRawUtf8Value(response));

    /// <summary>The same of its text, which is passed on as it is.</summary>
    /// <exception cref="JsonException">It is not JSON, <c>null</c>, or nested deeper.</exception>
    public static ModelAnswer Json(string response) => Json(Encoding.UTF8.GetBytes(response));

    /// <inheritdoc cref="Json(string)"/>
    public static ModelAnswer Json(ReadOnlySpan<byte> response) =>
        new(Payload.FromJson(response) ?? throw new JsonException("The JSON value null is no response"));
}

/// <summary>What became of one ticket of a batch: an answer, or why not.</summary>
/// <param name="Answer">The answer; null if it failed.</param>
/// <param name="Failure">As <see cref="IModel.RunAsync"/> would have thrown it; null if there is an answer.</param>
public sealed record ModelOutcome(ModelAnswer? Answer, Exception? Failure)
{
    public static ModelOutcome Answered(ModelAnswer answer) => new(answer, null);

    public static ModelOutcome Failed(Exception failure) => new(null, failure);
}
