using Aspire.Hosting.Dashboard.Otlp;
using Aspire.Hosting.Dashboard.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Aspire.Hosting.Dashboard;

/// <summary>Traces, and the spans of one.</summary>
internal static class TraceEndpoints
{
    public const double NanosecondsInMillisecond = 1e6;

    private const int MostAtOnce = 200;

    private static readonly string[] _kinds = ["", "internal", "server", "client", "producer", "consumer"];

    public static void MapTraces(this WebApplication app, SpanStore spans)
    {
        app.MapGet("/api/traces", (string? source, string? text, bool? requests, bool? errors, double? min) =>
        {
            var shortest = (ulong)(Math.Clamp(min ?? 0, 0, TimeSpan.MaxValue.TotalMilliseconds) * NanosecondsInMillisecond);
            var filter = new TraceFilter(
                LogEndpoints.NullIfEmpty(source),
                string.IsNullOrEmpty(text) ? null : new WireText(text),
                requests ?? false,
                errors ?? false,
                shortest,
                MostAtOnce);
            return TypedResults.Ok<IReadOnlyList<TraceDocument>>([.. spans.Latest(filter).Select(Describe)]);
        });
        app.MapGet("/api/traces/{id}", Results<Ok<TraceSpansDocument>, NotFound> (string id) =>
            TraceIds.TryParse(id, out var traceId) && spans.Find(traceId) is { Count: > 0 } found
                ? TypedResults.Ok(Describe(id, found))
                : TypedResults.NotFound());
    }

    private static TraceDocument Describe(TraceSummary summary) => new(
        TraceIds.Format(summary.TraceId),
        summary.Name,
        summary.Source.Name,
        summary.Start / NanosecondsInMillisecond,
        summary.Duration / NanosecondsInMillisecond,
        summary.SpanCount,
        summary.ErrorCount,
        summary.Sources);

    private static TraceSpansDocument Describe(string id, IReadOnlyList<StoredSpan> spans)
    {
        var start = spans.Min(span => span.Start);
        var end = spans.Max(span => Math.Max(span.End, span.Start));
        return new TraceSpansDocument(
            id,
            start / NanosecondsInMillisecond,
            (end - start) / NanosecondsInMillisecond,
            [.. spans.OrderBy(span => span.Start).Select(span => Describe(span, start))]);
    }

    private static SpanDocument Describe(StoredSpan span, ulong traceStart)
    {
        var details = OtlpTraces.ReadDetails(span.Wire);
        return new SpanDocument(
            TraceIds.Format(span.SpanId),
            span.ParentId == 0 ? null : TraceIds.Format(span.ParentId),
            span.Name,
            _kinds.ElementAtOrDefault(span.Kind) ?? "",
            span.Source.Name,
            span.Source.Instance,
            span.Scope,
            Since(traceStart, span.Start),
            Since(span.Start, span.End),
            span.IsError,
            details.StatusMessage,
            details.Attributes,
            [.. details.Events.Select(happened => new SpanEventDocument(happened.Name, Since(traceStart, happened.Time), happened.Attributes))],
            details.Links);
    }

    private static double Since(ulong start, ulong time) => ((double)time - start) / NanosecondsInMillisecond;
}
