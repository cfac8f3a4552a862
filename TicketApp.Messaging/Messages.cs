using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace TicketApp.Messaging;

/// <summary>
/// A ticket dispatched to the workers: the body of a message in its model's queue (<see cref="QueueNames.TicketsOf"/>), or one element of
/// it. Tickets share a message only while runs take milliseconds.
/// </summary>
public sealed record TicketMessage
{
    public required Guid TicketId { get; init; }

    public required Guid UserId { get; init; }

    /// <summary>The model that is to answer, for example <c>simulated</c>.</summary>
    public required string Model { get; init; }

    /// <summary>What the model is asked; null for models that need no input.</summary>
    public Payload? Input { get; init; }

    /// <summary>The attempt that this dispatch is, from 1.</summary>
    public required int Attempt { get; init; }

    /// <summary>The lease epoch. A report counts only under the epoch that the ticket still has.</summary>
    public required int Epoch { get; init; }

    /// <summary>After this many seconds in a worker's hands it must not be started: its lease may have ended. 0: at any time.</summary>
    public int StartWithinSeconds { get; init; }

    /// <summary>How many seconds its run may take, if less than the worker allows. 0: as long as that.</summary>
    public int ExecutionTimeoutSeconds { get; init; }

    /// <summary>
    /// The W3C <c>traceparent</c> of the request that made the ticket; null if it is not traced. A message's own header speaks
    /// of the message, which tickets may share.
    /// </summary>
    public string? TraceParent { get; init; }

    /// <summary>When the ticket ends unanswered, on the database's clock.</summary>
    public required DateTimeOffset Deadline { get; init; }
}

/// <summary>
/// Tells all workers to stop runs, and not to begin them: the body of a message in the exchange
/// <see cref="QueueNames.Control"/>. Any may be lost, and all are repeated.
/// </summary>
public sealed record CancellationMessage
{
    /// <summary>The runs that are not wanted.</summary>
    public required IReadOnlyList<RunReference> Runs { get; init; }

    /// <summary>For how many seconds to remember them: as long as a message that was dispatched before may still come.</summary>
    public int RememberSeconds { get; init; }

    /// <summary>Schemas that workers announced and the API does not use; said again about once a minute. Null: there are none.</summary>
    public IReadOnlyList<UnusedSchema>? UnusedSchemas { get; init; }
}

/// <summary>A schema of a model's input that cannot be used: inputs are not checked against it.</summary>
/// <param name="Model">The model.</param>
/// <param name="InputSchemaId">The id that came with it, see <see cref="ModelOffer.InputSchemaId"/>.</param>
/// <param name="Reason">Why, in a line for people.</param>
public sealed record UnusedSchema(string Model, string InputSchemaId, string Reason);

/// <summary>The body of a message in <see cref="QueueNames.Errors"/>.</summary>
public sealed record ErrorMessage
{
    /// <summary>The ticket that failed or ran over its limit; null for a message that could not be read.</summary>
    public Guid? TicketId { get; init; }

    /// <summary>Whose ticket it was; null for a message that could not be read.</summary>
    public Guid? UserId { get; init; }

    /// <summary>From creation to end, in seconds; null for a message that could not be read.</summary>
    public double? ProcessingTimeInSeconds { get; init; }

    /// <summary>What happened, in words.</summary>
    public required string Message { get; init; }

    /// <summary>A stable word for why: a ticket's error type, or <c>unreadable</c>.</summary>
    public required string Reason { get; init; }

    /// <summary>Where an unreadable message came from.</summary>
    public string? Queue { get; init; }

    /// <summary>The unreadable message: as text if it is UTF-8, else in Base64 (<see cref="BodyEncoding"/> says which).</summary>
    public string? Body { get; init; }

    /// <summary><c>utf-8</c> or <c>base64</c>.</summary>
    public string? BodyEncoding { get; init; }
}

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
