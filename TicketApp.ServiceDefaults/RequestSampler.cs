using System.Globalization;
using Microsoft.Extensions.Configuration;
using OpenTelemetry.Trace;

namespace TicketApp.ServiceDefaults;

/// <summary>
/// Decides where traces begin: with a request, at the ratio that <c>OTEL_TRACES_SAMPLER</c> and <c>OTEL_TRACES_SAMPLER_ARG</c> ask for, and
/// with work that serves sampled tickets together, which links to them. What loops do for themselves, look at the database several times a second,
/// begins none.
/// </summary>
internal sealed class RequestSampler(IConfiguration configuration) : Sampler
{
    private readonly Sampler _requests = Requested(configuration["OTEL_TRACES_SAMPLER"], configuration["OTEL_TRACES_SAMPLER_ARG"]);

    public override SamplingResult ShouldSample(in SamplingParameters samplingParameters)
    {
        if (samplingParameters.Kind == System.Diagnostics.ActivityKind.Server)
        {
            return _requests.ShouldSample(samplingParameters);
        }

        return new(samplingParameters.Links?.Any() == true ? SamplingDecision.RecordAndSample : SamplingDecision.Drop);
    }

    // The names of the specification; the parent's decision counts anyway.
    private static Sampler Requested(string? name, string? argument) => name switch
    {
        null or "" or "always_on" or "parentbased_always_on" => new AlwaysOnSampler(),
        "always_off" or "parentbased_always_off" => new AlwaysOffSampler(),
        "traceidratio" or "parentbased_traceidratio" => new TraceIdRatioBasedSampler(
            string.IsNullOrEmpty(argument) ? 1 : double.Parse(argument, NumberStyles.Float, CultureInfo.InvariantCulture)),
        _ => throw new InvalidOperationException($"OTEL_TRACES_SAMPLER: {name} is none of always_on, always_off, traceidratio and the same with parentbased_."),
    };
}
