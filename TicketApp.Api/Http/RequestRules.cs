using Microsoft.AspNetCore.HostFiltering;
using Microsoft.Extensions.Primitives;

namespace TicketApp.Api.Http;

/// <summary>
/// Checks whatever a request carries beside its body, in one place and before anything uses it. Kestrel bounds the whole: 8 KiB for the
/// request line, 32 KiB for the headers.
/// </summary>
internal static class RequestRules
{
    private const string AllowedHosts = "AllowedHosts";
    private const string Loopback = "localhost;*.localhost;127.0.0.1;[::1]";
    private const string Anything = "*";

    // Of those that are read here. The others only pass by.
    private static readonly (string Header, int MaxLength)[] _maxLengths =
    [
        ("Authorization", 1024),
        // A name of DNS and a port: the URLs in answers and in webhooks repeat it.
        ("Host", 260),
        (IdempotencyHeader.Name, IdempotencyHeader.MaxKey),
        ("If-None-Match", 4096),
        ("Last-Event-ID", 64),
        (WaitPreference.Header, WaitPreference.MaxLength),
        ("traceparent", 256),
    ];

    /// <summary>Has this check hosts, and not the framework, which would refuse probes too: they come to an address.</summary>
    public static IServiceCollection AddRequestRules(this IServiceCollection services) =>
        services.AddSingleton<ErrorForms>().Configure<HostFilteringOptions>(filter => filter.AllowedHosts = [Anything]);

    /// <summary>Refuses requests that break a rule.</summary>
    /// <param name="app">The API.</param>
    /// <param name="refuseCrossSite">
    /// Whether pages of other sites may change nothing: where no key is wanted, that a request comes from this machine is all it needs.
    /// </param>
    public static void UseRequestRules(this WebApplication app, bool refuseCrossSite)
    {
        var allowed = app.Configuration[AllowedHosts] is { Length: > 0 } configured ? configured
            : app.Environment.IsDevelopment() ? Loopback : Anything;
        StringSegment[]? hosts = allowed == Anything ? null
            : [.. allowed.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];
        var errors = app.Services.GetRequiredService<ErrorForms>();
        app.Use((context, next) =>
        {
            var request = context.Request;
            var problem = Malformed(request) ?? Misdirected(request, hosts)
                ?? (errors.IsOriginal(request) || IsSafe(request.Method) ? null
                    : Encoded(context) ?? (refuseCrossSite ? CrossSite(request) : null));
            return problem is null ? next(context) : errors.Answer(request, problem).ExecuteAsync(context);
        });
    }

    private static Problem? Malformed(HttpRequest request)
    {
        if (request.QueryString.Value?.Contains("%00", StringComparison.Ordinal) == true)
        {
            // The database's text cannot hold it. Kestrel refuses it in paths and headers.
            return ProblemType.InvalidRequest.With("The query string must not contain the character NUL (%00).");
        }

        foreach (var (header, maxLength) in _maxLengths)
        {
            foreach (var value in request.Headers[header])
            {
                if (value?.Length > maxLength)
                {
                    return ProblemType.InvalidRequest.With($"The header {header} must have at most {maxLength} characters.");
                }
            }
        }

        return null;
    }

    /// <summary>
    /// A page elsewhere whose name its owner has come to resolve to this service would be of the same origin for a browser. The name that
    /// the browser asks for gives it away.
    /// </summary>
    private static Problem? Misdirected(HttpRequest request, StringSegment[]? hosts) =>
        hosts is null || !request.Host.HasValue || HostString.MatchesAny(request.Host.Value, hosts) || IsProbe(request.Path)
            ? null
            : ProblemType.InvalidRequest.With(
                $"This service is not asked for by that host name. The setting {AllowedHosts} lists its names.");

    private static bool IsProbe(PathString path) => path == "/health" || path == "/alive";

    private static bool IsSafe(string method) =>
        HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method);

    private static Problem? Encoded(HttpContext context)
    {
        if (context.Request.Headers.ContentEncoding is [] or ["identity"])
        {
            return null;
        }

        context.Response.Headers.AcceptEncoding = "identity";
        return ProblemType.EncodedBody.With();
    }

    /// <summary>
    /// JSON is taken from anywhere: a browser sends it to another site only with that site's leave, which nobody gets here. Anything else
    /// counts if the browser says that it comes from this site's own page, or if no browser can have sent it: those name the origin, and
    /// forms have a content type.
    /// </summary>
    private static Problem? CrossSite(HttpRequest request)
    {
        if (request.HasJsonContentType())
        {
            return null;
        }

        bool? isOwn = request.Headers["Sec-Fetch-Site"].ToString() is { Length: > 0 } site ? site is "same-origin" or "none"
            : request.Headers.Origin.ToString() is { Length: > 0 } origin ? IsOwn(origin, request.Host)
            : null;
        return isOwn switch
        {
            true => null,
            false => ProblemType.CrossSite.With(
                "Send JSON, with the header Content-Type: application/json, or use the service's own page."),
            null => request.ContentType is null ? null : ProblemAnswers.NotJson,
        };
    }

    private static bool IsOwn(string origin, HostString host) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var from) && from.Authority.Equals(host.Value, StringComparison.OrdinalIgnoreCase);
}
