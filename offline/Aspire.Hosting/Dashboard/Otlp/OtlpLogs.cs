using Aspire.Hosting.Dashboard.Telemetry;

namespace Aspire.Hosting.Dashboard.Otlp;

internal sealed record LogDetails(string Message, IReadOnlyList<TelemetryAttribute> Attributes);

/// <summary>opentelemetry/proto/logs/v1.</summary>
internal static class OtlpLogs
{
    /// <summary>The records of an ExportLogsServiceRequest.</summary>
    public static IReadOnlyCollection<StoredLog> Read(ReadOnlySpan<byte> request)
    {
        var logs = new List<StoredLog>();
        OtlpFields.ReadItems(request, (log, source, category) => logs.Add(ReadLog(log, source, category)));
        return logs;
    }

    /// <summary>What a stored record does not say itself.</summary>
    public static LogDetails ReadDetails(ReadOnlySpan<byte> log)
    {
        var message = "";
        var attributes = new List<TelemetryAttribute>();
        var reader = new WireReader(log);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 5:
                    message = OtlpFields.ReadValue(reader.Bytes);
                    break;
                case 6:
                    attributes.Add(OtlpFields.ReadAttribute(reader.Bytes));
                    break;
            }
        }

        return new LogDetails(message, attributes);
    }

    private static StoredLog ReadLog(ReadOnlySpan<byte> log, TelemetrySource source, string category)
    {
        UInt128 traceId = 0;
        ulong time = 0, observed = 0, spanId = 0;
        var severity = 0;
        var reader = new WireReader(log);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    time = reader.Number;
                    break;
                case 2:
                    severity = (int)reader.Number;
                    break;
                case 9:
                    traceId = OtlpFields.ReadTraceId(reader.Bytes);
                    break;
                case 10:
                    spanId = OtlpFields.ReadSpanId(reader.Bytes);
                    break;
                case 11:
                    observed = reader.Number;
                    break;
            }
        }

        return new StoredLog
        {
            Source = source,
            Category = category,
            Time = time == 0 ? observed : time,
            Severity = severity,
            TraceId = traceId,
            SpanId = spanId,
            Wire = log.ToArray(),
        };
    }
}
