using Microsoft.OpenApi;

namespace TicketApp.Api.Http;

/// <summary>The headers that answers have, as the description names them.</summary>
internal static class DescribedHeaders
{
    public const string Location = "Location";
    public const string ETag = "ETag";
    public const string PreferenceApplied = "Preference-Applied";
    public const string IdempotentReplayed = "Idempotent-Replayed";
    public const string RetryAfter = "Retry-After";
    public const string WwwAuthenticate = "WWW-Authenticate";
    public const string AcceptEncoding = "Accept-Encoding";

    /// <summary>Those of every answer where the service limits requests.</summary>
    public static IReadOnlyList<string> Limits { get; } = ["RateLimit-Policy", "RateLimit"];

    public static IReadOnlyDictionary<string, OpenApiHeader> All { get; } = new Dictionary<string, OpenApiHeader>
    {
        [Location] = Text("Where the resource is.", new() { Type = JsonSchemaType.String, Format = "uri-reference" }),
        [ETag] = Text("A strong tag of a finished ticket.", Schemas.Pattern("^\"[0-9a-f]{32}\"$")),
        [PreferenceApplied] = Text("Which preferences of the header Prefer were granted.", Schemas.Text(64)),
        [IdempotentReplayed] = Text("An earlier request with the same Idempotency-Key has done this.", Schemas.Words(["true"])),
        [RetryAfter] = Text("Seconds to wait before the next request.", Schemas.Number(1, 3600, 1)),
        [WwwAuthenticate] = Text("What kind of key is asked for.", Schemas.Pattern("^Bearer")),
        [AcceptEncoding] = Text("What encodings of a body are read.", Schemas.Words(["identity"])),
        [Limits[0]] = Text(
            "How many requests (q) there may be in how many seconds (w), where the service limits them "
                + "(draft-ietf-httpapi-ratelimit-headers-10).",
            Schemas.Pattern("^\"requests\";q=[0-9]+;w=1$")),
        [Limits[1]] = Text(
            "How many requests are left (r), and in how many seconds there are more (t), where the service limits them.",
            Schemas.Pattern("^\"requests\";r=[0-9]+;t=1$")),
    };

    private static OpenApiHeader Text(string description, OpenApiSchema schema)
    {
        schema.Default = null;
        return new() { Description = description, Schema = schema };
    }
}
