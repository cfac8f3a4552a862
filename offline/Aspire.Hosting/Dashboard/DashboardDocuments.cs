using System.Text.Json.Serialization;
using Aspire.Hosting.Dashboard.Otlp;
using Aspire.Hosting.Dashboard.Telemetry;

namespace Aspire.Hosting.Dashboard;

internal sealed record ResourceDocument(
    string Id,
    string Name,
    string DisplayName,
    string Instance,
    string Type,
    string Source,
    string? State,
    string? Health,
    DateTime? Started,
    DateTime? Stopped,
    int? ExitCode,
    int? ProcessId,
    IReadOnlyList<UrlDocument> Urls,
    IReadOnlyList<HealthReportDocument> Reports,
    IReadOnlyList<CommandDocument> Commands,
    IReadOnlyList<string> References);

internal sealed record UrlDocument(string Text, string Url, bool IsLink, bool IsDetail);

internal sealed record HealthReportDocument(string Name, string Status, string? Description);

internal sealed record CommandDocument(string Name, string Title, string? Description, string? Confirmation, bool IsHighlighted, bool IsEnabled);

internal sealed record CommandResultDocument(bool Success, string? Message);

/// <summary>A variable; without a value where it is a secret and nobody asked to see it.</summary>
internal sealed record VariableDocument(string Name, string? Value, bool IsSecret);

internal sealed record ConsoleLineDocument(int Number, string Text, bool IsError);

internal sealed record TelemetryDocument(long Logs, long Spans, long Points);

internal sealed record LogDocument(
    long Number,
    double Time,
    int Severity,
    string Source,
    string Instance,
    string Category,
    string Message,
    string? TraceId,
    string? SpanId,
    IReadOnlyList<TelemetryAttribute> Attributes);

internal sealed record LogsDocument(int Kept, IReadOnlyList<LogDocument> Logs);

/// <summary>Times in milliseconds since 1970.</summary>
internal sealed record TraceDocument(string Id, string Name, string Source, double Start, double Duration, int Spans, int Errors, IReadOnlyList<string> Sources);

/// <summary>Times in milliseconds; the start from that of the trace.</summary>
internal sealed record SpanDocument(
    string Id,
    string? ParentId,
    string Name,
    string Kind,
    string Source,
    string Instance,
    string Scope,
    double Start,
    double Duration,
    bool IsError,
    string? StatusMessage,
    IReadOnlyList<TelemetryAttribute> Attributes,
    IReadOnlyList<SpanEventDocument> Events,
    IReadOnlyList<SpanLink> Links);

internal sealed record SpanEventDocument(string Name, double Time, IReadOnlyList<TelemetryAttribute> Attributes);

internal sealed record TraceSpansDocument(string Id, double Start, double Duration, IReadOnlyList<SpanDocument> Spans);

internal sealed record InstrumentDocument(
    string Meter,
    string Name,
    string Unit,
    string Description,
    string Kind,
    IReadOnlyList<string> Sources,
    IReadOnlyDictionary<string, IReadOnlyList<string>> Attributes);

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(IReadOnlyList<ResourceDocument>))]
[JsonSerializable(typeof(IReadOnlyList<VariableDocument>))]
[JsonSerializable(typeof(IReadOnlyList<ConsoleLineDocument>))]
[JsonSerializable(typeof(CommandResultDocument))]
[JsonSerializable(typeof(TelemetryDocument))]
[JsonSerializable(typeof(LogsDocument))]
[JsonSerializable(typeof(IReadOnlyList<TraceDocument>))]
[JsonSerializable(typeof(TraceSpansDocument))]
[JsonSerializable(typeof(IReadOnlyList<InstrumentDocument>))]
[JsonSerializable(typeof(MetricChart))]
internal sealed partial class DashboardJson : JsonSerializerContext;
