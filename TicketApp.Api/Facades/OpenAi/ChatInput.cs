using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using TicketApp.Messaging;

namespace TicketApp.Api.Facades.OpenAi;

/// <summary>Writes the input of a chat model: an object with <c>messages</c>. See docs/models.md.</summary>
internal static class ChatInput
{
    /// <summary>The kind of the models that take it.</summary>
    public const string ModelKind = "chat";

    public const string Messages = "messages";
    public const string System = "system";
    public const string Assistant = "assistant";

    /// <summary>What a chat model does not read, and a ticket keeps.</summary>
    public const string Metadata = "metadata";

    public const string MaxTokens = "max_completion_tokens";
    public const string Format = "response_format";
    public const string Effort = "reasoning_effort";

    // A letter beyond ASCII would else count for six: inputs are bounded by their characters.
    private static readonly JsonWriterOptions _writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The roles of messages that a chat model takes.</summary>
    public static IReadOnlyList<string> Roles { get; } = [System, "developer", "user", Assistant];

    /// <summary>An input.</summary>
    /// <param name="messages">Writes the messages.</param>
    /// <param name="members">Writes what stands beside them.</param>
    /// <exception cref="InvalidOperationException">A string has an escape that is half a character.</exception>
    public static Payload Write(Action<Utf8JsonWriter> messages, Action<Utf8JsonWriter> members)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter writer = new(buffer, _writing))
        {
            writer.WriteStartObject();
            writer.WriteStartArray(Messages);
            messages(writer);
            writer.WriteEndArray();
            members(writer);
            writer.WriteEndObject();
        }

        return Payload.FromJson(buffer.WrittenSpan)!.Value;
    }

    /// <summary>Writes a member, if there is a value.</summary>
    public static void Write(Utf8JsonWriter writer, string name, JsonElement? value)
    {
        if (value is { } element)
        {
            writer.WritePropertyName(name);
            element.WriteTo(writer);
        }
    }

    /// <summary>Writes a message.</summary>
    public static void Write(Utf8JsonWriter writer, ChatMessage message)
    {
        writer.WriteStartObject();
        writer.WriteString("role", message.Role);
        if (message.Parts is [{ Text: { } only }])
        {
            writer.WriteString("content", only);
        }
        else
        {
            writer.WriteStartArray("content");
            foreach (var part in message.Parts)
            {
                Write(writer, part);
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, ChatPart part)
    {
        writer.WriteStartObject();
        if (part.Text is { } text)
        {
            writer.WriteString("type", "text");
            writer.WriteString("text", text);
        }
        else
        {
            writer.WriteString("type", "image_url");
            writer.WriteStartObject("image_url");
            writer.WriteString("url", part.ImageUrl);
            if (part.Detail is { } detail)
            {
                writer.WriteString("detail", detail);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }
}

/// <summary>A message of a conversation.</summary>
/// <param name="Role">Who says it.</param>
/// <param name="Parts">What is said.</param>
internal sealed record ChatMessage(string Role, IReadOnlyList<ChatPart> Parts)
{
    public static ChatMessage Of(string role, string text) => new(role, [new(text, null, null)]);
}

/// <summary>A part of a message: a text, or an image by its address.</summary>
internal sealed record ChatPart(string? Text, string? ImageUrl, string? Detail);
