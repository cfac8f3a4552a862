using System.Data.Common;

namespace TicketApp.Worker.Models.Chat;

/// <summary>Where the chat model is, from the connection string <c>chat</c>: <c>Endpoint=https://…;Key=…;Model=…</c>.</summary>
/// <param name="Endpoint">The base address of its API. <c>https+http://name</c> and the like are found by service discovery.</param>
/// <param name="Key">The key; a server on one's own machine may need none.</param>
/// <param name="Model">What the endpoint calls the model.</param>
internal sealed record ChatConnection(Uri Endpoint, string Key, string Model)
{
    public const string Name = "chat";

    private const string Form = "Endpoint=https://…;Key=…;Model=…";
    private const string UsualPath = "/v1";

    // Clients insist on one; servers that need none do not look at it.
    private const string NoKey = "none";

    private static readonly string[] _schemes = ["http", "https", "https+http", "http+https"];

    /// <summary>Reads a connection string. An endpoint without a path gets <c>/v1</c>, the usual one but for Azure's.</summary>
    /// <exception cref="InvalidOperationException">It cannot be used. The message quotes nothing of it, since it holds a key.</exception>
    public static ChatConnection Parse(string connectionString)
    {
        DbConnectionStringBuilder parts;
        try
        {
            parts = new() { ConnectionString = connectionString };
        }
        catch (ArgumentException)
        {
            throw Unusable($"must have the form {Form}");
        }

        if (!Uri.TryCreate(Part(parts, "Endpoint"), UriKind.Absolute, out var endpoint)
            || !_schemes.Contains(endpoint.Scheme) || endpoint.Host.Length == 0)
        {
            throw Unusable($"needs an Endpoint with one of the schemes {string.Join(", ", _schemes)}: {Form}");
        }

        if (endpoint.UserInfo.Length > 0 || endpoint.Query.Length > 0 || endpoint.Fragment.Length > 0)
        {
            throw Unusable("has an Endpoint with more than scheme, host, port and path; the key is a part of its own");
        }

        return Part(parts, "Model") is { Length: > 0 } model
            ? new(
                endpoint.AbsolutePath == "/" ? new Uri(endpoint, UsualPath) : endpoint,
                Part(parts, "Key") is { Length: > 0 } key ? key : NoKey,
                model)
            : throw Unusable($"needs a Model: {Form}");
    }

    private static string Part(DbConnectionStringBuilder parts, string name) =>
        parts.TryGetValue(name, out var value) ? ((string)value).Trim() : "";

    private static InvalidOperationException Unusable(string reason) => new($"ConnectionStrings:{Name} {reason}.");
}
