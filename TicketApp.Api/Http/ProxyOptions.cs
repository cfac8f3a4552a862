using System.ComponentModel.DataAnnotations;
using System.Net;
using Microsoft.Extensions.Options;

namespace TicketApp.Api.Http;

/// <summary>What stands between callers and this service, from the section <c>Proxies</c>.</summary>
public sealed class ProxyOptions : IValidatableObject
{
    public const string SectionName = "Proxies";

    /// <summary>
    /// Networks of the proxies that callers come through, such as <c>10.0.0.0/8,fc00::/7</c>. <c>X-Forwarded-For</c> and
    /// <c>X-Forwarded-Proto</c> count from these addresses only. Not set: from nobody. Default: not set.
    /// </summary>
    public string? KnownNetworks { get; set; }


    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext validationContext) =>
        from part in Parts()
        where !IPNetwork.TryParse(part, out _)
        select new ValidationResult($"Proxies:KnownNetworks: '{part}' is no network, such as 10.0.0.0/8.", [nameof(KnownNetworks)]);

    internal IEnumerable<IPNetwork> ReadNetworks() => Parts().Select(IPNetwork.Parse);

    private string[] Parts() =>
        (KnownNetworks ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}

[OptionsValidator]
internal sealed partial class ProxyOptionsValidator : IValidateOptions<ProxyOptions>;

internal static class Proxies
{
    // ASPNETCORE_FORWARDEDHEADERS_ENABLED. By itself it makes ASP.NET Core believe every peer.
    private const string Switch = "ForwardedHeaders_Enabled";

    /// <summary>Tells callers' addresses by what known proxies say of them. What others say is ignored.</summary>
    public static void AddProxies(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<ProxyOptions>().BindConfiguration(ProxyOptions.SectionName).ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<ProxyOptions>, ProxyOptionsValidator>();
        builder.Services.AddOptions<ForwardedHeadersOptions>().PostConfigure<IOptions<ProxyOptions>>((headers, proxies) =>
        {
            foreach (var network in proxies.Value.ReadNetworks())
            {
                headers.KnownIPNetworks.Add(network);
            }
        });
        var known = builder.Configuration[$"{ProxyOptions.SectionName}:{nameof(ProxyOptions.KnownNetworks)}"];
        builder.Configuration[Switch] = string.IsNullOrWhiteSpace(known) ? "false" : "true";
    }
}
