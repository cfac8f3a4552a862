using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace TicketApp.Messaging;

/// <summary>The JSON form of all messages: snake_case, absent values left out, compiled serializers.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
    RespectNullableAnnotations = true,
    // A payload in a report or a ticket, in an array of them.
    MaxDepth = TicketApp.Messaging.Payload.MaxDepth + 2)]
[JsonSerializable(typeof(TicketMessage))]
[JsonSerializable(typeof(IReadOnlyList<TicketMessage>))]
[JsonSerializable(typeof(WorkerReport))]
[JsonSerializable(typeof(IReadOnlyList<WorkerReport>))]
[JsonSerializable(typeof(ErrorMessage))]
[JsonSerializable(typeof(CancellationMessage))]
public sealed partial class ContractJson : JsonSerializerContext
{
    // No browser reads messages, so that only what JSON itself wants is escaped: a "+" or a letter beyond ASCII would else be six bytes.
    private static readonly JsonWriterOptions _writing = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    /// <summary>The bytes of a message, no more than they must be.</summary>
    public static byte[] Serialize<T>(T message, JsonTypeInfo<T> type)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter writer = new(buffer, _writing))
        {
            JsonSerializer.Serialize(writer, message, type);
        }

        return buffer.WrittenSpan.ToArray();
    }
}
