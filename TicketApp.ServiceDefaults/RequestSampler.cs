using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Trace;

namespace TicketApp.ServiceDefaults;

/// <summary>
/// Decides where traces begin: with a request, at the ratio that <c>OTEL_TRACES_SAMPLER</c> and <c>OTEL_TRACES_SAMPLER_ARG</c> ask for,
/// and with work that serves sampled tickets together, which links to them. What loops do for themselves, such as to look at the
/// database several times a second, begins none.
/// </summary>
internal sealed partial class RequestSampler(IConfiguration configuration, ILogger<RequestSampler> logger) : Sampler
{
    private const string Name = "OTEL_TRACES_SAMPLER";
    private const string Argument = "OTEL_TRACES_SAMPLER_ARG";

    private readonly Sampler _requests = Requested(configuration[Name]?.Trim(), configuration[Argument]?.Trim(), logger);

    public override SamplingResult ShouldSample(in SamplingParameters samplingParameters)
    {
        if (samplingParameters.Kind == System.Diagnostics.ActivityKind.Server)
        {
            return _requests.ShouldSample(samplingParameters);
        }

        return new(samplingParameters.Links?.Any() == true ? SamplingDecision.RecordAndSample : SamplingDecision.Drop);
    }

    // The names of the specification; the parent's decision counts anyway. For an unknown or wrong one it says: warn, take the default.
    private static Sampler Requested(string? name, string? argument, ILogger logger)
    {
        switch (name)
        {
            case null or "" or "always_on" or "parentbased_always_on":
                return new AlwaysOnSampler();
            case "always_off" or "parentbased_always_off":
                return new AlwaysOffSampler();
            case "traceidratio" or "parentbased_traceidratio":
                if (string.IsNullOrEmpty(argument))
                {
                    return new AlwaysOnSampler();
                }

                if (double.TryParse(argument, NumberStyles.Float, CultureInfo.InvariantCulture, out var ratio) && ratio is >= 0 and <= 1)
                {
                    return new TraceIdRatioBasedSampler(ratio);
                }

                Log.NotUsed(logger, Argument, argument, "a number from 0 to 1, such as 0.5");
                return new AlwaysOnSampler();
            default:
                Log.NotUsed(logger, Name, name, "one of always_on, always_off, traceidratio and the same with parentbased_");
                return new AlwaysOnSampler();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Warning, Message = "{Variable}: '{Value}' is not {Allowed}; every request is traced")]
        public static partial void NotUsed(ILogger logger, string variable, string value, string allowed);
    }
}
