using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace TicketApp.ServiceDefaults;

/// <summary>
/// Checks variables of OpenTelemetry ahead of its SDK, which ends the process over some values that it cannot use and passes over others
/// in silence. The specification says what to do with each: warn, and take the default.
/// </summary>
/// <param name="unusable">What <see cref="Clear"/> found.</param>
/// <param name="logger">Where to warn.</param>
internal sealed partial class ExporterVariables(IReadOnlyList<ExporterVariables.Unusable> unusable, ILogger<ExporterVariables> logger)
    : IHostedService
{
    private const string Exporter = "OTEL_EXPORTER_OTLP";

    private static readonly string[] _signals = ["", "_TRACES", "_METRICS", "_LOGS"];

    private static readonly string[] _numbers =
    [
        "OTEL_METRIC_EXPORT_INTERVAL", "OTEL_METRIC_EXPORT_TIMEOUT",
        "OTEL_BSP_SCHEDULE_DELAY", "OTEL_BSP_EXPORT_TIMEOUT", "OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        "OTEL_BLRP_SCHEDULE_DELAY", "OTEL_BLRP_EXPORT_TIMEOUT", "OTEL_BLRP_MAX_QUEUE_SIZE", "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
    ];

    private static readonly string[] _files = ["_CERTIFICATE", "_CLIENT_CERTIFICATE", "_CLIENT_KEY"];

    private static readonly Rule[] _rules =
    [
        .. from signal in _signals
           from rule in (Rule[])
           [
               new($"{Exporter}{signal}_ENDPOINT", IsAddress, "an address such as http://collector:4317"),
               new($"{Exporter}{signal}_PROTOCOL", value => value is "grpc" or "http/protobuf", "grpc or http/protobuf"),
               new($"{Exporter}{signal}_TIMEOUT", IsPositive, "a whole number from 1"),
               new($"{Exporter}{signal}_HEADERS", IsPairs, "a list such as name=value,name=value"),
           ]
           select rule,
        .. from file in _files select new Rule($"{Exporter}{file}", File.Exists, "a file that is there"),
        .. from number in _numbers select new Rule(number, IsPositive, "a whole number from 1"),
    ];

    /// <summary>Takes values away that cannot be used, so that the defaults count.</summary>
    /// <returns>Those that were there.</returns>
    public static IReadOnlyList<Unusable> Clear(IConfiguration configuration)
    {
        List<Unusable> found = [];
        foreach (var rule in _rules)
        {
            if (configuration[rule.Name] is { } value && !string.IsNullOrWhiteSpace(value) && !rule.IsUsable(value.Trim()))
            {
                configuration[rule.Name] = null;
                found.Add(new(rule.Name, rule.Allowed));
            }
        }

        return found;
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var (name, allowed) in unusable)
        {
            Log.NotUsed(logger, name, allowed);
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static bool IsAddress(string value) =>
        Uri.TryCreate(value, UriKind.Absolute, out var address)
        && (address.Scheme == Uri.UriSchemeHttp || address.Scheme == Uri.UriSchemeHttps);

    private static bool IsPositive(string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0;

    private static bool IsPairs(string value) =>
        Array.TrueForAll(value.Split(',', StringSplitOptions.RemoveEmptyEntries), pair => pair.IndexOf('=', StringComparison.Ordinal) > 0);

    /// <summary>A variable whose value cannot be used.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="Allowed">What it can be.</param>
    internal sealed record Unusable(string Name, string Allowed);

    private sealed record Rule(string Name, Func<string, bool> IsUsable, string Allowed);

    private static partial class Log
    {
        // Without the value: headers hold secrets.
        [LoggerMessage(EventId = 1, Level = LogLevel.Warning, Message = "{Variable} is not {Allowed}; the default is used")]
        public static partial void NotUsed(ILogger logger, string variable, string allowed);
    }
}
