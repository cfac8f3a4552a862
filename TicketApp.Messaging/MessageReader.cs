using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;

namespace TicketApp.Messaging;

/// <summary>One element of a message: what it says, or why it cannot be read.</summary>
/// <param name="Value">What it says; null if it cannot be read.</param>
/// <param name="Body">It alone, as JSON, where it cannot be read; of a message that is no JSON all of it.</param>
/// <param name="Defect">Why it cannot be read; null if it can.</param>
public sealed record MessageElement<T>(T? Value, ReadOnlyMemory<byte> Body, string? Defect)
    where T : class;

/// <summary>
/// Reads message bodies strictly: what it cannot read it refuses with a reason, and never throws. Each element of an array is judged by
/// itself, since a bad one must not take others with it.
/// </summary>
public static class MessageReader
{
    private const int MaxWorkerName = 200;
    private const int MaxModels = 100;
    private const int MaxModelName = 100;
    private const int MaxDescription = 2000;
    private const int MaxSchemaId = 100;
    private const int MaxModelKind = 50;
    private const int MaxSlots = 1_000_000;
    private const int MaxErrorText = 4000;
    private const int MaxDetails = 20_000;

    // Elements are told apart before one that is too deep is refused by itself.
    private const int MaxDepth = 1000;

    // Five times what a worker or an Api ever puts into a message.
    private const int MaxElements = 1000;

    // As objects, elements take many times their bytes: of a longer body they are counted before any is made.
    private const int MaxUncounted = 256 * 1024;

    /// <summary>Reads a message of a model's queue: one ticket, or an array of tickets.</summary>
    public static IReadOnlyList<MessageElement<TicketMessage>> ReadTickets(ReadOnlyMemory<byte> body) =>
        Read(body, ContractJson.Default.TicketMessage, ContractJson.Default.IReadOnlyListTicketMessage, Defect);

    /// <summary>Reads a message of <see cref="QueueNames.Responses"/>: one report, or an array of reports.</summary>
    public static IReadOnlyList<MessageElement<WorkerReport>> ReadReports(ReadOnlyMemory<byte> body) =>
        Read(body, ContractJson.Default.WorkerReport, ContractJson.Default.IReadOnlyListWorkerReport, Defect);

    private static MessageElement<T>[] Read<T>(
        ReadOnlyMemory<byte> body, JsonTypeInfo<T> one, JsonTypeInfo<IReadOnlyList<T>> many, Func<T?, string?> defect)
        where T : class
    {
        if (!body.Span.TrimStart(" \t\r\n"u8).StartsWith("["u8))
        {
            return [ReadOne(body, one, defect)];
        }

        if (body.Length > MaxUncounted && HasTooMany(body.Span))
        {
            return [TooMany(body)];
        }

        if (!TryParse(body.Span, many, out var items, out var reason))
        {
            // One of them, or all: the text may be no array at all.
            return TrySplit(body, out var elements)
                ? elements.Count > MaxElements ? [TooMany(body)] : [.. elements.Select(element => ReadOne(element, one, defect))]
                : [new(null, body, reason)];
        }

        if (items.Count > MaxElements)
        {
            return [TooMany(body)];
        }

        return [.. items.Select(item => defect(item) is { } found
            ? new MessageElement<T>(null, JsonSerializer.SerializeToUtf8Bytes(item, one), found)
            : new MessageElement<T>(item, default, null))];

        static MessageElement<T> TooMany(ReadOnlyMemory<byte> body) => new(null, body, $"more than {MaxElements} elements");
    }

    private static MessageElement<T> ReadOne<T>(ReadOnlyMemory<byte> body, JsonTypeInfo<T> type, Func<T?, string?> defect)
        where T : class
    {
        if (TryParse(body.Span, type, out var item, out var reason))
        {
            reason = defect(item);
        }

        return new(reason is null ? item : null, body, reason);
    }

    private static bool HasTooMany(ReadOnlySpan<byte> array)
    {
        Utf8JsonReader reader = new(array, new JsonReaderOptions { MaxDepth = MaxDepth });
        try
        {
            reader.Read();
            for (var count = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; count++)
            {
                if (count == MaxElements)
                {
                    return true;
                }

                reader.Skip();
            }
        }
        catch (JsonException)
        {
            // Who reads it says what is wrong.
        }

        return false;
    }

    private static bool TrySplit(ReadOnlyMemory<byte> body, out IReadOnlyList<ReadOnlyMemory<byte>> elements)
    {
        try
        {
            using var json = JsonDocument.Parse(body, new() { MaxDepth = MaxDepth });
            elements =
            [
                .. from element in json.RootElement.EnumerateArray()
                   select (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(element.GetRawText()),
            ];
            return true;
        }
        catch (JsonException)
        {
            elements = [];
            return false;
        }
    }

    private static bool TryParse<T>(
        ReadOnlySpan<byte> body, JsonTypeInfo<T> type, [NotNullWhen(true)] out T? value, [NotNullWhen(false)] out string? reason)
        where T : class
    {
        value = null;
        if (!Utf8.IsValid(body))
        {
            reason = "not UTF-8";
            return false;
        }

        try
        {
            value = JsonSerializer.Deserialize(body, type);
            reason = value is null ? "null" : null;
        }
        catch (JsonException exception)
        {
            var place = $"at {exception.Path ?? "$"}, line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}";
            reason = $"not the JSON of this queue, {place}";
        }
        catch (InvalidOperationException)
        {
            reason = "not the JSON of this queue: half a character";
        }

        return value is not null && reason is null;
    }

    private static string? Defect(TicketMessage? ticket) => ticket switch
    {
        null => "null in the list of tickets",
        { Epoch: < 1 } => "epoch is missing",
        _ => null,
    };

    private static string? Defect(WorkerReport? report) => report switch
    {
        null => "null in the list of reports",
        { Worker: var worker } when IsUnusable(worker, MaxWorkerName) => "worker is empty, too long or has U+0000",
        { Models: { } models } when Defect(models) is { } found => found,
        { Type: ReportType.Heartbeat or ReportType.Probe } => null,
        { TicketId: var id } when id == Guid.Empty => "ticket_id is missing",
        { Epoch: < 1 } => "epoch is missing",
        { Type: ReportType.Finished, Response: null } => "response is missing",
        { RunMilliseconds: < 0 } or { Sequence: < 0 } => "a number is below zero",
        { Details.ValueKind: not JsonValueKind.Object } => "details is not an object",
        { DetailsLength: > MaxDetails } => $"details has more than {MaxDetails} characters",
        { Details: { } details } when !IsWritable(details) => "details has half a character",
        { Fraction: < 0 or > 1 or double.NaN } => "fraction is not between 0 and 1",
        { Response: { Text.Length: > WorkerReport.MaxResponse } } => $"response has more than {WorkerReport.MaxResponse} characters",
        { Text.Length: > WorkerReport.MaxResponse } => $"text has more than {WorkerReport.MaxResponse} characters",
        { ErrorType.Length: > MaxErrorText } or { ErrorMessage.Length: > MaxErrorText } =>
            $"error_type or error_message has more than {MaxErrorText} characters",
        // PostgreSQL's text cannot hold it, so no retry would ever store it.
        { Response: { Text: var response } } when response.Contains('\0', StringComparison.Ordinal) => "response contains U+0000",
        { ErrorType: { } type } when type.Contains('\0', StringComparison.Ordinal) => "error_type contains U+0000",
        { ErrorMessage: { } message } when message.Contains('\0', StringComparison.Ordinal) => "error_message contains U+0000",
        { Text: { } text } when text.Contains('\0', StringComparison.Ordinal) => "text contains U+0000",
        _ => null,
    };

    /// <summary>Whether it can be shown. An escape such as \ud800, half a character, can be read and not written.</summary>
    public static bool IsWritable(JsonElement value)
    {
        try
        {
            using Utf8JsonWriter writer = new(Stream.Null);
            value.WriteTo(writer);
            return true;
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException)
        {
            return false;
        }
    }

    private static string? Defect(IReadOnlyList<ModelOffer> models) =>
        models.Count > MaxModels ? $"more than {MaxModels} models"
        : models.Any(model => model is null or { Slots: < 0 or > MaxSlots } or { MaxInputCharacters: < 0 } or { LargestBatch: < 0 }
            || IsUnusable(model.Name, MaxModelName) || IsUnusable(model.Description, MaxDescription)
            || (model.InputSchemaId is { } id && IsUnusable(id, MaxSchemaId)))
            ? $"a model without a name or description, or with other than 0 to {MaxSlots} slots"
        : models.Any(model => model.Kind is { } kind && IsUnusable(kind, MaxModelKind)) ? "a model with a kind that is no word"
        : null;

    private static bool IsUnusable(string text, int maxLength) =>
        text.Length == 0 || text.Length > maxLength || text.Contains('\0', StringComparison.Ordinal);
}
