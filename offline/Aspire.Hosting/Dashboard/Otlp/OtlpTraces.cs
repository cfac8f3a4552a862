using System.Text;
using Aspire.Hosting.Dashboard.Telemetry;

namespace Aspire.Hosting.Dashboard.Otlp;

internal sealed record SpanEvent(string Name, ulong Time, IReadOnlyList<TelemetryAttribute> Attributes);

internal sealed record SpanLink(string TraceId, string SpanId, IReadOnlyList<TelemetryAttribute> Attributes);

internal sealed record SpanDetails(
    IReadOnlyList<TelemetryAttribute> Attributes,
    IReadOnlyList<SpanEvent> Events,
    IReadOnlyList<SpanLink> Links,
    string? StatusMessage);

/// <summary>opentelemetry/proto/trace/v1.</summary>
internal static class OtlpTraces
{
    private const int StatusError = 2;

    /// <summary>The spans of an ExportTraceServiceRequest.</summary>
    public static IReadOnlyCollection<StoredSpan> Read(ReadOnlySpan<byte> request)
    {
        var spans = new List<StoredSpan>();
        OtlpFields.ReadItems(request, (span, source, scope) => spans.Add(ReadSpan(span, source, scope)));
        return spans;
    }

    /// <summary>What a stored span does not say itself.</summary>
    public static SpanDetails ReadDetails(ReadOnlySpan<byte> span)
    {
        var attributes = new List<TelemetryAttribute>();
        var events = new List<SpanEvent>();
        var links = new List<SpanLink>();
        string? statusMessage = null;
        var reader = new WireReader(span);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 9:
                    attributes.Add(OtlpFields.ReadAttribute(reader.Bytes));
                    break;
                case 11:
                    events.Add(ReadEvent(reader.Bytes));
                    break;
                case 13:
                    links.Add(ReadLink(reader.Bytes));
                    break;
                case 15:
                    statusMessage = Encoding.UTF8.GetString(WireReader.Find(reader.Bytes, 2));
                    break;
            }
        }

        return new SpanDetails(attributes, events, links, statusMessage);
    }

    private static StoredSpan ReadSpan(ReadOnlySpan<byte> span, TelemetrySource source, string scope)
    {
        UInt128 traceId = 0;
        ulong spanId = 0, parentId = 0, start = 0, end = 0;
        var name = "";
        var kind = 0;
        var isError = false;
        var reader = new WireReader(span);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    traceId = OtlpFields.ReadTraceId(reader.Bytes);
                    break;
                case 2:
                    spanId = OtlpFields.ReadSpanId(reader.Bytes);
                    break;
                case 4:
                    parentId = OtlpFields.ReadSpanId(reader.Bytes);
                    break;
                case 5:
                    name = reader.Text;
                    break;
                case 6:
                    kind = (int)reader.Number;
                    break;
                case 7:
                    start = reader.Number;
                    break;
                case 8:
                    end = reader.Number;
                    break;
                case 15:
                    isError = WireReader.FindNumber(reader.Bytes, 3) == StatusError;
                    break;
            }
        }

        return new StoredSpan
        {
            Source = source,
            Scope = scope,
            TraceId = traceId,
            SpanId = spanId,
            ParentId = parentId,
            Name = name,
            Kind = kind,
            Start = start,
            End = end,
            IsError = isError,
            Wire = span.ToArray(),
        };
    }

    private static SpanEvent ReadEvent(ReadOnlySpan<byte> message)
    {
        var name = "";
        ulong time = 0;
        var attributes = new List<TelemetryAttribute>();
        var reader = new WireReader(message);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    time = reader.Number;
                    break;
                case 2:
                    name = reader.Text;
                    break;
                case 3:
                    attributes.Add(OtlpFields.ReadAttribute(reader.Bytes));
                    break;
            }
        }

        return new SpanEvent(name, time, attributes);
    }

    private static SpanLink ReadLink(ReadOnlySpan<byte> message)
    {
        UInt128 traceId = 0;
        ulong spanId = 0;
        var attributes = new List<TelemetryAttribute>();
        var reader = new WireReader(message);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    traceId = OtlpFields.ReadTraceId(reader.Bytes);
                    break;
                case 2:
                    spanId = OtlpFields.ReadSpanId(reader.Bytes);
                    break;
                case 4:
                    attributes.Add(OtlpFields.ReadAttribute(reader.Bytes));
                    break;
            }
        }

        return new SpanLink(TraceIds.Format(traceId), TraceIds.Format(spanId), attributes);
    }
}
