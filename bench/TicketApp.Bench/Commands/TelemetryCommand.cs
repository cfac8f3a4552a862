using TicketApp.Bench.Limits;
using TicketApp.Bench.Processes;

namespace TicketApp.Bench.Commands;

/// <summary>
/// What telemetry costs: the closed and the open loop without any, with metrics and logs, with one request in a hundred traced, and with
/// all of them, sent to a receiver that throws it away.
/// </summary>
internal sealed class TelemetryCommand : IBenchCommand
{
    public string Name => "telemetry";

    public string Description =>
        "Closed and open loop without telemetry, with metrics and logs, with one request in a hundred traced and with all traced, "
        + "in interleaved rounds";

    public async Task RunAsync(BenchSession session, CancellationToken cancellationToken)
    {
        var (receiver, address) = await EmptyServer.StartAsync(cancellationToken);
        await using (receiver)
        {
            await VariantRounds.RunAsync(
                session,
                [
                    new("no telemetry", new Dictionary<string, string>()), Traced("none traced", "0"),
                    Traced("1 % traced", "0.01"), Traced("all traced", "1"),
                ],
                cancellationToken);
        }

        Variant Traced(string name, string ratio) => new(name, new Dictionary<string, string>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = address.ToString(),
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_TRACES_SAMPLER"] = "parentbased_traceidratio",
            ["OTEL_TRACES_SAMPLER_ARG"] = ratio,
        });
    }
}
