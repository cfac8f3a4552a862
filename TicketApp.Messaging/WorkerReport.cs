using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace TicketApp.Messaging;

/// <summary>What a <see cref="WorkerReport"/> says.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ReportType>))]
public enum ReportType
{
    /// <summary>The model answered; <see cref="WorkerReport.Response"/> is set. The default: the original had no other message.</summary>
    [JsonStringEnumMemberName("finished")]
    Finished,

    /// <summary>The attempt failed; <see cref="WorkerReport.ErrorType"/> and <see cref="WorkerReport.ErrorMessage"/> are set.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,

    /// <summary>The run has lasted long enough to be worth a message; from now on its lease lives by heartbeats.</summary>
    [JsonStringEnumMemberName("started")]
    Started,

    /// <summary>The worker stops and hands the ticket back: the attempt is not charged.</summary>
    [JsonStringEnumMemberName("returned")]
    Returned,

    /// <summary>The broker delivered the ticket a second time: the worker that had it may be gone.</summary>
    [JsonStringEnumMemberName("redelivered")]
    Redelivered,

    /// <summary>The run has got further: <see cref="WorkerReport.Fraction"/>, <see cref="WorkerReport.Text"/> or both are set.</summary>
    [JsonStringEnumMemberName("progress")]
    Progress,

    /// <summary>The worker lives, serves <see cref="WorkerReport.Models"/> and still runs <see cref="WorkerReport.Runs"/>.</summary>
    [JsonStringEnumMemberName("heartbeat")]
    Heartbeat,

    /// <summary>The Api's own message to itself: as long as it comes back, workers' reports come through as well.</summary>
    [JsonStringEnumMemberName("probe")]
    Probe,
}

/// <summary>One run, as a heartbeat names it.</summary>
/// <param name="TicketId">The ticket.</param>
/// <param name="Epoch">The epoch it was dispatched under.</param>
public readonly record struct RunReference(Guid TicketId, int Epoch);

/// <summary>
/// What a worker says of a ticket or of itself: the body, or one element of it, of a message in <see cref="QueueNames.Responses"/>.
/// </summary>
public sealed record WorkerReport
{
    /// <summary>The longest response, in UTF-16 characters; of JSON, those of its text.</summary>
    public const int MaxResponse = 1_000_000;

    public ReportType Type { get; init; }

    /// <summary>The worker's instance, unique for each start of a worker process.</summary>
    public required string Worker { get; init; }

    /// <summary>The ticket; not set in a heartbeat.</summary>
    public Guid TicketId { get; init; }

    public Guid UserId { get; init; }

    /// <summary>The epoch of the dispatch that this is about, from 1; 0 in a heartbeat.</summary>
    public int Epoch { get; init; }

    /// <summary>The model's answer, for <see cref="ReportType.Finished"/>.</summary>
    public Payload? Response { get; init; }

    /// <summary>More about the answer, a JSON object such as <c>{"probability":0.97}</c>, for <see cref="ReportType.Finished"/>.</summary>
    public JsonElement? Details { get; init; }

    /// <summary>How long <see cref="Details"/> are, in characters.</summary>
    [JsonIgnore]
    public int DetailsLength => Details is { } details ? Encoding.UTF8.GetCharCount(JsonMarshal.GetRawUtf8Value(details)) : 0;

    /// <summary>How long the run took, in milliseconds.</summary>
    public int RunMilliseconds { get; init; }

    /// <summary>How long the run may take, in milliseconds, for <see cref="ReportType.Started"/>.</summary>
    public long? ExecutionTimeoutMilliseconds { get; init; }

    /// <summary>A stable word for what went wrong, for example <c>model_error</c>.</summary>
    public string? ErrorType { get; init; }

    public string? ErrorMessage { get; init; }

    /// <summary>Whether another attempt would fail as well, so that none is made.</summary>
    public bool IsFinal { get; init; }

    /// <summary>
    /// Whether the attempt never reached its model, for <see cref="ReportType.Failed"/>: it is not charged, and another one follows as long
    /// as the ticket has time.
    /// </summary>
    public bool IsRefused { get; init; }

    /// <summary>The least pause before the next attempt, in milliseconds, for <see cref="ReportType.Failed"/>.</summary>
    public long RetryAfterMilliseconds { get; init; }

    /// <summary>Which progress of its run this is, from 1.</summary>
    public int Sequence { get; init; }

    /// <summary>How far the run is, from 0 to 1, if known.</summary>
    public double? Fraction { get; init; }

    /// <summary>What the answer has grown by since the last progress.</summary>
    public string? Text { get; init; }

    /// <summary>What the worker serves, for <see cref="ReportType.Heartbeat"/>. Empty: it takes no more; null says nothing.</summary>
    public IReadOnlyList<ModelOffer>? Models { get; init; }

    /// <summary>The runs whose leases a heartbeat extends.</summary>
    public IReadOnlyList<RunReference>? Runs { get; init; }

    /// <summary>The W3C <c>traceparent</c> of the run, or of the ticket before it ran; null if it is not traced.</summary>
    public string? TraceParent { get; init; }
}

/// <summary>A model that a worker serves, as its heartbeats describe it.</summary>
public sealed record ModelOffer
{
    /// <summary>The word by which tickets choose it.</summary>
    public required string Name { get; init; }

    /// <summary>What it answers, in a sentence for people.</summary>
    public required string Description { get; init; }

    /// <summary>Whether it cannot run without input.</summary>
    public bool InputRequired { get; init; }

    /// <summary>The longest input, in UTF-16 characters.</summary>
    public int MaxInputCharacters { get; init; }

    /// <summary>The most tickets that it runs together; 1 for a model that takes one at a time.</summary>
    public int LargestBatch { get; init; }

    /// <summary>Which inputs and responses it has, in a word such as <c>chat</c>; null: nothing is known of that.</summary>
    public string? Kind { get; init; }

    /// <summary>
    /// Names the JSON Schema of its input, and changes with it; null: it has none. See <see cref="Messaging.InputSchema.Id"/>.
    /// </summary>
    public string? InputSchemaId { get; init; }

    /// <summary>
    /// The schema itself, for <see cref="Messaging.InputSchema"/>; null in most heartbeats, since it may be long.
    /// </summary>
    public Payload? InputSchema { get; init; }

    /// <summary>How many tickets this worker can have at once, from 1.</summary>
    public int Slots { get; init; }

    /// <summary>Whether its runs wait here, since what the model asks cannot be reached or takes no more for now.</summary>
    public bool IsUnavailable { get; init; }
}
