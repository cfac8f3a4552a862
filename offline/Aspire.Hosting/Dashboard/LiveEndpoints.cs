using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Aspire.Hosting.Dashboard.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Aspire.Hosting.Dashboard;

/// <summary>Tells a page of all resources whenever one has changed, and that there is new telemetry, at most once a second.</summary>
internal static class LiveEndpoints
{
    private const int LooksPerSecond = 5;

    public static void MapLive(this WebApplication app, DashboardResources resources, TelemetryStore telemetry) =>
        app.MapGet("/api/live", (HttpContext context) => TypedResults.ServerSentEvents(WatchAsync(resources, telemetry, context, context.RequestAborted)));

    private static async IAsyncEnumerable<SseItem<string>> WatchAsync(
        DashboardResources resources,
        TelemetryStore telemetry,
        HttpContext context,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var ended = context.UntilStop(cancellationToken);
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / LooksPerSecond));
        var (told, toldTelemetry) = ("", new TelemetryDocument(-1, -1, -1));
        for (var look = 0; ; look++)
        {
            var now = JsonSerializer.Serialize(resources.All(), DashboardJson.Default.IReadOnlyListResourceDocument);
            if (now != told)
            {
                told = now;
                yield return new SseItem<string>(told, "resources");
            }

            var received = new TelemetryDocument(telemetry.Logs.Version, telemetry.Spans.Version, telemetry.Metrics.Version);
            if (look % LooksPerSecond == 0 && received != toldTelemetry)
            {
                toldTelemetry = received;
                yield return new SseItem<string>(JsonSerializer.Serialize(received, DashboardJson.Default.TelemetryDocument), "telemetry");
            }

            if (!await timer.WaitForNextTickAsync(ended.Token))
            {
                yield break;
            }
        }
    }
}
