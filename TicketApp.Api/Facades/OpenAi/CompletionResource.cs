using System.Text.Json;
using System.Text.Json.Serialization;
using TicketApp.Api.Storage;

namespace TicketApp.Api.Facades.OpenAi;

/// <summary>A chat completion as OpenAI's API shows it.</summary>
internal sealed record CompletionResource(
    string Id, long Created, string Model, string ServiceTier, IReadOnlyList<CompletionChoice> Choices)
{
    public string Object { get; } = "chat.completion";

    public string? SystemFingerprint { get; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JsonElement? Metadata { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public CompletionUsage? Usage { get; init; }

    /// <summary>A ticket that has an answer.</summary>
    public static CompletionResource Of(TicketRecord row, ChatAnswer answer, JsonElement? metadata) => new(
        OpenAiIds.Of(OpenAiIds.Completion, row.TicketId), ResponseResource.Seconds(row.Created), row.Model,
        OpenAi.ServiceTier.Of(row.Priority), [new(0, new(answer.Text), CompletionUsage.EndOf(answer))])
    {
        Metadata = metadata,
        Usage = CompletionUsage.Of(answer),
    };

    /// <summary>Why there is no answer: the ticket has had its attempts, so that another request would be another ticket.</summary>
    public static OpenAiError ErrorOf(TicketRecord row) => row.Status switch
    {
        TicketStatus.TimedOut => OpenAiError.Failed(
            "The answer was not complete within its time limit.", "timed_out", StatusCodes.Status504GatewayTimeout),
        TicketStatus.Expired => OpenAiError.Failed(
            "The answer was not begun within its time limit.", "expired", StatusCodes.Status504GatewayTimeout),
        TicketStatus.Canceled => OpenAiError.Failed("The ticket was canceled.", "canceled"),
        _ => OpenAiError.Failed(row.ErrorMessage ?? "The model did not answer.", row.ErrorType ?? "model_error"),
    };
}

/// <summary>The one answer of a completion.</summary>
internal sealed record CompletionChoice(int Index, CompletionMessage Message, string FinishReason)
{
    public JsonElement? Logprobs { get; }
}

/// <summary>The message of an answer.</summary>
internal sealed record CompletionMessage(string Content)
{
    public string Role { get; } = ChatInput.Assistant;

    public string? Refusal { get; }

    public IReadOnlyList<JsonElement> Annotations { get; } = [];
}

/// <summary>What it took, in tokens.</summary>
internal sealed record CompletionUsage(long PromptTokens, long CompletionTokens, long TotalTokens)
{
    /// <summary>Null where the model does not say.</summary>
    public static CompletionUsage? Of(ChatAnswer answer) =>
        answer.Usage is { } usage ? new(usage.Input, usage.Output, usage.Input + usage.Output) : null;

    /// <summary>Why the answer ends where it does.</summary>
    public static string EndOf(ChatAnswer answer) => answer.IsCut ? "length" : "stop";
}

/// <summary>A part of a completion that is streamed.</summary>
internal sealed record CompletionChunk(
    string Id, long Created, string Model, string ServiceTier, IReadOnlyList<ChunkChoice> Choices)
{
    public string Object { get; } = "chat.completion.chunk";

    public string? SystemFingerprint { get; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public CompletionUsage? Usage { get; init; }
}

/// <summary>What the answer has grown by.</summary>
internal sealed record ChunkChoice(int Index, ChunkDelta Delta, string? FinishReason)
{
    public JsonElement? Logprobs { get; }
}

/// <summary>What the message has grown by.</summary>
internal sealed record ChunkDelta
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Role { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Content { get; init; }
}
