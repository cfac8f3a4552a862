using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Unicode;

namespace TicketApp.Contracts;

/// <summary>Reads message bodies strictly: what it cannot read it refuses with a reason, and never throws.</summary>
public static class MessageReader
{
    /// <summary>Reads a message of <see cref="QueueNames.Tickets"/>.</summary>
    public static bool TryReadTicket(ReadOnlySpan<byte> body, [NotNullWhen(true)] out TicketMessage? ticket, [NotNullWhen(false)] out string? reason)
    {
        ticket = null;
        if (!TryParse(body, ContractJson.Default.TicketMessage, out var message, out reason))
        {
            return false;
        }

        reason = message.Epoch < 1 ? "epoch is missing" : null;
        ticket = message;
        return reason is null;
    }

    /// <summary>Reads a message of <see cref="QueueNames.Responses"/>: one report, or an array of reports.</summary>
    public static bool TryReadReports(ReadOnlySpan<byte> body, out IReadOnlyList<WorkerReport> reports, [NotNullWhen(false)] out string? reason)
    {
        reports = [];
        if (body.TrimStart(" \t\r\n"u8).StartsWith("["u8))
        {
            if (!TryParse(body, ContractJson.Default.IReadOnlyListWorkerReport, out var list, out reason))
            {
                return false;
            }

            reports = list;
        }
        else
        {
            if (!TryParse(body, ContractJson.Default.WorkerReport, out var report, out reason))
            {
                return false;
            }

            reports = [report];
        }

        reason = reports.Select(Defect).FirstOrDefault(defect => defect is not null);
        return reason is null;
    }

    private static bool TryParse<T>(
        ReadOnlySpan<byte> body, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, [NotNullWhen(true)] out T? value, [NotNullWhen(false)] out string? reason)
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

    private static string? Defect(WorkerReport? report) => report switch
    {
        null => "null in the list of reports",
        { Type: ReportType.Heartbeat or ReportType.Probe } => null,
        { TicketId: var id } when id == Guid.Empty => "ticket_id is missing",
        { Epoch: < 1 } => "epoch is missing",
        { Type: ReportType.Finished, Response: null } => "response is missing",
        // PostgreSQL's text cannot hold it, so no retry would ever store it.
        { Response: { } response } when response.Contains('\0', StringComparison.Ordinal) => "response contains U+0000",
        { ErrorMessage: { } message } when message.Contains('\0', StringComparison.Ordinal) => "error_message contains U+0000",
        _ => null,
    };
}
