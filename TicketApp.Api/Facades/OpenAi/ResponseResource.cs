using System.Text.Json;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;

namespace TicketApp.Api.Facades.OpenAi;

/// <summary>A response as OpenAI's API shows it.</summary>
internal sealed record ResponseResource
{
    public required string Id { get; init; }

    public string Object { get; } = "response";

    /// <summary>Seconds since 1970.</summary>
    public required long CreatedAt { get; init; }

    public required string Status { get; init; }

    public required bool Background { get; init; }

    public long? CompletedAt { get; init; }

    public ResponseError? Error { get; init; }

    public IncompleteDetails? IncompleteDetails { get; init; }

    public string? Instructions { get; init; }

    public JsonElement? MaxOutputTokens { get; init; }

    public int? MaxToolCalls { get; init; }

    public JsonElement? Metadata { get; init; }

    public required string Model { get; init; }

    public required IReadOnlyList<OutputMessage> Output { get; init; }

    public bool ParallelToolCalls { get; } = true;

    public string? PreviousResponseId { get; init; }

    public required ReasoningResource Reasoning { get; init; }

    public required string ServiceTier { get; init; }

    public required bool Store { get; init; }

    public JsonElement? Temperature { get; init; }

    public required TextResource Text { get; init; }

    public string ToolChoice { get; } = "auto";

    public IReadOnlyList<JsonElement> Tools { get; } = [];

    public int TopLogprobs { get; }

    public JsonElement? TopP { get; init; }

    public string Truncation { get; } = "disabled";

    public ResponseUsage? Usage { get; init; }

    public string? User { get; init; }

    /// <summary>The ticket as a response.</summary>
    public static ResponseResource Of(ResponseTicket ticket)
    {
        var row = ticket.Row;
        var answer = ChatAnswer.Of(row);
        var status = StatusOf(row, answer);
        return new()
        {
            Id = OpenAiIds.Of(OpenAiIds.Response, row.TicketId),
            CreatedAt = Seconds(row.Created),
            Status = status,
            Background = ticket.IsBackground,
            CompletedAt = status == "completed" ? Seconds(row.Finished!.Value) : null,
            Error = ErrorOf(row),
            IncompleteDetails = status == "incomplete" ? new("max_output_tokens") : null,
            Instructions = ticket.Instructions,
            MaxOutputTokens = ticket.Asked(ChatInput.MaxTokens),
            Metadata = ticket.Metadata ?? JsonElement.Parse("{}"),
            Model = row.Model,
            Output = answer is null ? [] : [OutputMessage.Of(row, answer.Text, status)],
            PreviousResponseId = ticket.PreviousId,
            Reasoning = new(ticket.Asked(ChatInput.Effort), null),
            ServiceTier = OpenAi.ServiceTier.Of(row.Priority),
            Store = ticket.IsStored,
            Temperature = ticket.Asked("temperature"),
            Text = new(ticket.Asked(ChatInput.Format) is { } format ? ResponseFormat.FromChat(format) : TextResource.Plain),
            TopP = ticket.Asked("top_p"),
            Usage = answer?.Usage is { } usage ? new(usage.Input, new(0), usage.Output, new(0), usage.Input + usage.Output) : null,
        };
    }

    public static long Seconds(DateTime time) => new DateTimeOffset(time).ToUnixTimeSeconds();

    private static string StatusOf(TicketRecord row, ChatAnswer? answer) => row.Status switch
    {
        TicketStatus.Running or TicketStatus.Canceling => "in_progress",
        TicketStatus.Succeeded => answer?.IsCut == true ? "incomplete" : "completed",
        TicketStatus.Failed or TicketStatus.TimedOut or TicketStatus.Expired => "failed",
        TicketStatus.Canceled => "cancelled",
        _ => "queued",
    };

    private static ResponseError? ErrorOf(TicketRecord row) => row.Status switch
    {
        TicketStatus.Failed => new(
            row.ErrorType == "invalid_input" ? "invalid_prompt" : "server_error", row.ErrorMessage ?? "The model did not answer."),
        TicketStatus.TimedOut => new("server_error", "The response was not complete within its time limit."),
        TicketStatus.Expired => new("server_error", "The response was not begun within its time limit."),
        _ => null,
    };
}

/// <summary>What a chat model answered.</summary>
/// <param name="Text">The text; the JSON text where it is JSON.</param>
/// <param name="IsCut">Whether it is longer than was asked for.</param>
/// <param name="Usage">What it took, as far as the model says.</param>
internal sealed record ChatAnswer(string Text, bool IsCut, (long Input, long Output)? Usage)
{
    private static readonly JsonDocumentOptions _details = new() { MaxDepth = JsonBody.MaxDepthWithInputs };

    /// <summary>The answer of a ticket; null if it has none.</summary>
    public static ChatAnswer? Of(TicketRecord row)
    {
        if (row is not { Status: TicketStatus.Succeeded, Response: { } response })
        {
            return null;
        }

        var details = row.ResponseDetails is { } json ? JsonElement.Parse(json, _details) : default;
        return new(
            response.Text,
            Child("finish_reason") is { ValueKind: JsonValueKind.String } reason && reason.ValueEquals("length"),
            Tokens("input_tokens") is { } input && Tokens("output_tokens") is { } output ? (input, output) : null);

        JsonElement Child(string name) =>
            details.ValueKind == JsonValueKind.Object && details.TryGetProperty(name, out var child) ? child : default;

        long? Tokens(string name) =>
            Child(name) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt64(out var tokens)
                && tokens is >= 0 and < int.MaxValue
                ? tokens
                : null;
    }
}

/// <summary>Why there is no answer.</summary>
internal sealed record ResponseError(string Code, string Message);

/// <summary>Why an answer is not whole.</summary>
internal sealed record IncompleteDetails(string Reason);

/// <summary>The effort that was asked for.</summary>
internal sealed record ReasoningResource(JsonElement? Effort, string? Summary);

/// <summary>The form of the answer that was asked for.</summary>
internal sealed record TextResource(JsonElement Format)
{
    public static JsonElement Plain { get; } = JsonElement.Parse("""{"type":"text"}""");
}

/// <summary>The message that is the answer.</summary>
internal sealed record OutputMessage(string Id, string Status, IReadOnlyList<OutputText> Content)
{
    public string Type { get; } = "message";

    public string Role { get; } = "assistant";

    public static OutputMessage Of(TicketRecord row, string text, string status) =>
        new(OpenAiIds.OfMessage(row.TicketId, row.Epoch), status, [new(text)]);
}

/// <summary>Its text.</summary>
internal sealed record OutputText(string Text)
{
    public string Type { get; } = "output_text";

    public IReadOnlyList<JsonElement> Annotations { get; } = [];

    public IReadOnlyList<JsonElement> Logprobs { get; } = [];
}

/// <summary>What it took, in tokens.</summary>
internal sealed record ResponseUsage(
    long InputTokens, CachedTokens InputTokensDetails, long OutputTokens, ReasoningTokens OutputTokensDetails, long TotalTokens);

/// <summary>How many tokens of the input came from a cache: none is known of.</summary>
internal sealed record CachedTokens([property: System.Text.Json.Serialization.JsonPropertyName("cached_tokens")] int Count);

/// <summary>How many tokens of the answer were thought: none is known of.</summary>
internal sealed record ReasoningTokens([property: System.Text.Json.Serialization.JsonPropertyName("reasoning_tokens")] int Count);

/// <summary>The answer to the removal of a response.</summary>
internal sealed record DeletedResponse(string Id)
{
    public string Object { get; } = "response";

    public bool Deleted { get; } = true;
}
