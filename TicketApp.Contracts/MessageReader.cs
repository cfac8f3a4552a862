using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;

namespace TicketApp.Contracts;

/// <summary>Reads message bodies strictly: what it cannot read it refuses with a reason, and never throws.</summary>
public static class MessageReader
{
    /// <summary>Reads a message of a model's queue: one ticket, or an array of tickets.</summary>
    public static bool TryReadTickets(ReadOnlySpan<byte> body, out IReadOnlyList<TicketMessage> tickets, [NotNullWhen(false)] out string? reason) =>
        TryReadOneOrMany(body, ContractJson.Default.TicketMessage, ContractJson.Default.IReadOnlyListTicketMessage, Defect, out tickets, out reason);

    /// <summary>Reads a message of <see cref="QueueNames.Responses"/>: one report, or an array of reports.</summary>
    public static bool TryReadReports(ReadOnlySpan<byte> body, out IReadOnlyList<WorkerReport> reports, [NotNullWhen(false)] out string? reason) =>
        TryReadOneOrMany(body, ContractJson.Default.WorkerReport, ContractJson.Default.IReadOnlyListWorkerReport, Defect, out reports, out reason);

    private static bool TryReadOneOrMany<T>(
        ReadOnlySpan<byte> body, JsonTypeInfo<T> one, JsonTypeInfo<IReadOnlyList<T>> many, Func<T?, string?> defect, out IReadOnlyList<T> items, [NotNullWhen(false)] out string? reason)
        where T : class
    {
        items = [];
        if (body.TrimStart(" \t\r\n"u8).StartsWith("["u8))
        {
            if (TryParse(body, many, out var list, out reason))
            {
                items = list;
            }
        }
        else if (TryParse(body, one, out var item, out reason))
        {
            items = [item];
        }

        reason ??= items.Select(defect).FirstOrDefault(found => found is not null);
        return reason is null;
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
            reason = $"not the JSON of this queue, at {exception.Path ?? "$"}, line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}";
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
        { Models: { } models } when models.Any(model => model is null or { Slots: < 0 }) => "a model without a description or slots",
        { Type: ReportType.Heartbeat or ReportType.Probe } => null,
        { TicketId: var id } when id == Guid.Empty => "ticket_id is missing",
        { Epoch: < 1 } => "epoch is missing",
        { Type: ReportType.Finished, Response: null } => "response is missing",
        { Details.ValueKind: not JsonValueKind.Object } => "details is not an object",
        // PostgreSQL's text cannot hold it, so no retry would ever store it.
        { Response: { } response } when response.Contains('\0', StringComparison.Ordinal) => "response contains U+0000",
        { ErrorMessage: { } message } when message.Contains('\0', StringComparison.Ordinal) => "error_message contains U+0000",
        { Text: { } text } when text.Contains('\0', StringComparison.Ordinal) => "text contains U+0000",
        _ => null,
    };
}
