using System.Buffers;
using System.Text.Json;
using TicketApp.Api.Storage;
using TicketApp.Messaging;

namespace TicketApp.Api.Facades.OpenAi;

/// <summary>A ticket that is a response: what was asked for is in its input, so that nothing else is stored for it.</summary>
internal sealed class ResponseTicket
{
    /// <summary>In the metadata of the input: what the model has no use for. It marks the ticket as a response.</summary>
    public const string Member = "response";

    public const string Background = "background";
    public const string HasInstructions = "has_instructions";
    public const string Previous = "previous_response_id";
    public const string Labels = "metadata";
    public const string Store = "store";

    private readonly JsonElement _input;
    private readonly JsonElement _own;
    private readonly JsonElement _messages;

    private ResponseTicket(TicketRecord row, JsonElement input, JsonElement own, JsonElement messages) =>
        (Row, _input, _own, _messages) = (row, input, own, messages);

    public TicketRecord Row { get; }

    public bool IsBackground => Child(_own, Background)?.ValueKind == JsonValueKind.True;

    /// <summary>Whether it stays after it was answered.</summary>
    public bool IsStored => Child(_own, Store)?.ValueKind != JsonValueKind.False;

    public string? Instructions => StartsWithInstructions ? Text(Child(_messages[0], "content")) : null;

    public string? PreviousId => Text(Child(_own, Previous));

    public JsonElement? Metadata => Child(_own, Labels);

    /// <summary>The conversation, without the instructions: those count for one response.</summary>
    public IEnumerable<JsonElement> Messages => _messages.EnumerateArray().Skip(StartsWithInstructions ? 1 : 0);

    private bool StartsWithInstructions => Child(_own, HasInstructions)?.ValueKind == JsonValueKind.True;

    /// <summary>A member of the model's input.</summary>
    public JsonElement? Asked(string name) => Child(_input, name);

    /// <summary>
    /// The ticket as a response; null if it was not made as one. Anyone can make a ticket whose input looks like one; what cannot be
    /// shown is not taken for one.
    /// </summary>
    public static ResponseTicket? Of(TicketRecord row)
    {
        if (row.Input is not { IsJson: true, Text: { } text } || !text.StartsWith('{'))
        {
            return null;
        }

        try
        {
            var input = JsonElement.Parse(text);
            return Child(Child(input, ChatInput.Metadata), Member) is { ValueKind: JsonValueKind.Object } own
                && Child(input, ChatInput.Messages) is { ValueKind: JsonValueKind.Array } messages
                && messages.GetArrayLength() > 0
                && MessageReader.IsWritable(input)
                    ? new(row, input, own, messages)
                    : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string? Text(JsonElement? value) => value is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    private static JsonElement? Child(JsonElement? parent, string name) =>
        parent is { ValueKind: JsonValueKind.Object } element && element.TryGetProperty(name, out var child)
            && child.ValueKind != JsonValueKind.Null
            ? child
            : null;
}

/// <summary>The formats of answers, which the two APIs write differently: chat completions nest what belongs to a schema.</summary>
internal static class ResponseFormat
{
    private const string Schema = "json_schema";

    public static JsonElement ToChat(JsonElement format) =>
        Rewrite(format, (writer, fields) =>
        {
            writer.WriteStartObject(Schema);
            Copy(writer, fields.Where(field => field.Name != "type"));
            writer.WriteEndObject();
        });

    public static JsonElement FromChat(JsonElement format) =>
        Rewrite(format, (writer, fields) =>
        {
            foreach (var nested in fields.Where(field => field is { Name: Schema, Value.ValueKind: JsonValueKind.Object }))
            {
                Copy(writer, nested.Value.EnumerateObject());
            }
        });

    private static JsonElement Rewrite(JsonElement format, Action<Utf8JsonWriter, IEnumerable<JsonProperty>> writeSchema)
    {
        if (format.ValueKind != JsonValueKind.Object || !format.TryGetProperty("type", out var type)
            || type.ValueKind != JsonValueKind.String || !type.ValueEquals(Schema))
        {
            return format;
        }

        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter writer = new(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("type", Schema);
            writeSchema(writer, format.EnumerateObject());
            writer.WriteEndObject();
        }

        return JsonElement.Parse(buffer.WrittenSpan);
    }

    private static void Copy(Utf8JsonWriter writer, IEnumerable<JsonProperty> fields)
    {
        foreach (var field in fields)
        {
            field.WriteTo(writer);
        }
    }
}

/// <summary>The service tiers of OpenAI's API, which are priorities of tickets here.</summary>
internal static class ServiceTier
{
    /// <summary>The priority that a request asks for.</summary>
    public static string Read(RequestFields fields) =>
        fields.Word("service_tier", "auto", "default", "flex", "priority", "fast") switch
        {
            "flex" => "low",
            "priority" or "fast" => "high",
            _ => "normal",
        };

    /// <summary>How an answer names the priority of its ticket.</summary>
    public static string Of(TicketPriority priority) => priority switch
    {
        TicketPriority.Low => "flex",
        TicketPriority.High => "priority",
        _ => "default",
    };
}
