namespace TicketApp.Api.Http;

/// <summary>Headers of every answer, whatever makes it.</summary>
internal static class ResponseHeaders
{
    private const string PagePolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    // Its icons are data, and its scripts set styles.
    private const string DescriptionPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>Adds them before anything else has the request.</summary>
    public static void UseResponseHeaders(this WebApplication app) => app.Use((context, next) =>
    {
        Add(context);
        return next(context);
    });

    /// <summary>Adds them where an exception has cleared them.</summary>
    public static void Add(HttpContext context)
    {
        var headers = context.Response.Headers;
        // Tickets, keys and secrets stay out of caches; what is for everyone says so.
        headers.CacheControl = "no-store";
        headers.XContentTypeOptions = "nosniff";
        if (context.Request.Path.StartsWithSegments(ApiDescription.Path, StringComparison.OrdinalIgnoreCase))
        {
            headers.ContentSecurityPolicy = DescriptionPolicy;
        }
    }

    /// <summary>Adds those of the page and its files.</summary>
    public static void AddForPage(IHeaderDictionary headers)
    {
        // Asked for again each time, answered 304 mostly: an upgrade never meets modules of the release before.
        headers.CacheControl = "no-cache";
        headers.ContentSecurityPolicy = PagePolicy;
    }
}
