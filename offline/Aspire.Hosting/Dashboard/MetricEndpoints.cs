using Aspire.Hosting.Dashboard.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Aspire.Hosting.Dashboard;

/// <summary>Which instruments there are, and the chart of one.</summary>
internal static class MetricEndpoints
{
    private const int DefaultMinutes = 5;
    private const int MostValues = 50;

    public static void MapMetrics(this WebApplication app, MetricStore metrics)
    {
        app.MapGet("/api/metrics", () => TypedResults.Ok(metrics.Query(Instruments)));
        app.MapGet("/api/metrics/chart", (string meter, string name, string? source, int? minutes, string[]? attribute) =>
        {
            // Each is "key=value".
            var attributes = (attribute ?? []).Select(pair => pair.Split('=', 2)).Where(pair => pair.Length == 2).DistinctBy(pair => pair[0]);
            var filter = new ChartFilter(
                meter,
                name,
                LogEndpoints.NullIfEmpty(source),
                attributes.ToDictionary(pair => pair[0], pair => pair[1]),
                minutes ?? DefaultMinutes);
            return TypedResults.Ok(metrics.Query(series => MetricCharts.Draw(series, filter, DateTimeOffset.UtcNow)));
        });
    }

    private static IReadOnlyList<InstrumentDocument> Instruments(IEnumerable<MetricSeries> all) =>
    [
        .. all.GroupBy(series => (series.Instrument.Meter, series.Instrument.Name))
            .Select(group => Describe(group.First().Instrument, [.. group]))
            .OrderBy(instrument => instrument.Meter, StringComparer.Ordinal)
            .ThenBy(instrument => instrument.Name, StringComparer.Ordinal),
    ];

    private static InstrumentDocument Describe(Instrument instrument, MetricSeries[] series) => new(
        instrument.Meter,
        instrument.Name,
        instrument.Unit,
        instrument.Description,
        instrument.Kind.ToString(),
        [.. series.Select(one => one.Source.Name).Distinct().Order(StringComparer.Ordinal)],
        series.SelectMany(one => one.Attributes)
            .GroupBy(attribute => attribute.Key)
            .ToDictionary(
                group => group.Key,
                IReadOnlyList<string> (group) => [.. group.Select(attribute => attribute.Value).Distinct().Order(StringComparer.Ordinal).Take(MostValues)]));
}
