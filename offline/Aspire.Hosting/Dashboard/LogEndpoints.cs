using Aspire.Hosting.Dashboard.Otlp;
using Aspire.Hosting.Dashboard.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Aspire.Hosting.Dashboard;

/// <summary>Structured logs.</summary>
internal static class LogEndpoints
{
    private const int MostAtOnce = 500;

    public static void MapLogs(this WebApplication app, LogStore logs) =>
        app.MapGet("/api/logs", (string? source, int? severity, string? text, string? trace, long? before, int? limit) =>
        {
            UInt128? traceId = TraceIds.TryParse(trace, out var id) ? id : null;
            var isUnknownTrace = !string.IsNullOrEmpty(trace) && traceId is null;
            var filter = new LogFilter(
                NullIfEmpty(source),
                severity ?? 0,
                string.IsNullOrEmpty(text) ? null : new WireText(text),
                traceId,
                before ?? long.MaxValue,
                Math.Clamp(limit ?? MostAtOnce, 1, MostAtOnce));
            return TypedResults.Ok(new LogsDocument(logs.Count, isUnknownTrace ? [] : [.. logs.Latest(filter).Select(Describe)]));
        });

    public static string? NullIfEmpty(string? value) => string.IsNullOrEmpty(value) ? null : value;

    private static LogDocument Describe(StoredLog log)
    {
        var details = OtlpLogs.ReadDetails(log.Wire);
        return new LogDocument(
            log.Number,
            log.Time / TraceEndpoints.NanosecondsInMillisecond,
            log.Severity,
            log.Source.Name,
            log.Source.Instance,
            log.Category,
            details.Message,
            log.TraceId == 0 ? null : TraceIds.Format(log.TraceId),
            log.SpanId == 0 ? null : TraceIds.Format(log.SpanId),
            details.Attributes);
    }
}
