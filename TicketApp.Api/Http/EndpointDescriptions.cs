using System.Globalization;
using Microsoft.OpenApi;

namespace TicketApp.Api.Http;

/// <summary>Something that a request carries beside its path and body: a parameter or a header.</summary>
internal sealed record DescribedParameter(string Name, ParameterLocation Place, string Description, OpenApiSchema Schema);

/// <summary>A header of the answers with these statuses, one of <see cref="DescribedHeaders"/>.</summary>
internal sealed record DescribedResponseHeader(string Name, IReadOnlyList<int> Statuses);

/// <summary>Problems that an endpoint can answer with.</summary>
internal sealed record DescribedProblems(IReadOnlyList<ProblemType> Types);

/// <summary>An example of a body, as JSON.</summary>
internal sealed record DescribedExample(string Json, bool IsRequest);

/// <summary>The endpoint is served without a key in every mode.</summary>
internal sealed record NoKeyNeeded;

/// <summary>Says of endpoints, beside where they are mapped, what their types do not say.</summary>
internal static class EndpointDescriptions
{
    /// <summary>Names an operation for generated clients, and puts it with others of its kind.</summary>
    public static TBuilder Describe<TBuilder>(this TBuilder endpoint, string name, string tag, string summary, string description)
        where TBuilder : IEndpointConventionBuilder =>
            endpoint.WithName(name).WithTags(tag).WithSummary(summary).WithDescription(description);

    public static TBuilder WithQuery<TBuilder>(this TBuilder endpoint, string name, string description, OpenApiSchema schema)
        where TBuilder : IEndpointConventionBuilder =>
            endpoint.WithMetadata(new DescribedParameter(name, ParameterLocation.Query, description, schema));

    public static TBuilder WithHeader<TBuilder>(this TBuilder endpoint, string name, string description, int maxLength)
        where TBuilder : IEndpointConventionBuilder =>
            endpoint.WithMetadata(new DescribedParameter(name, ParameterLocation.Header, description, Schemas.Text(maxLength)));

    /// <summary>Names a header that its answers have; with no status, all of its answers with a result.</summary>
    public static TBuilder WithResponseHeader<TBuilder>(this TBuilder endpoint, string name, params IReadOnlyList<int> statuses)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new DescribedResponseHeader(name, statuses));

    public static TBuilder WithRequestExample<TBuilder>(this TBuilder endpoint, string json)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new DescribedExample(json, IsRequest: true));

    public static TBuilder WithResponseExample<TBuilder>(this TBuilder endpoint, string json)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new DescribedExample(json, IsRequest: false));

    /// <summary>Names problems that an endpoint answers with, beside those of every endpoint.</summary>
    public static TBuilder WithProblems<TBuilder>(this TBuilder endpoint, params IReadOnlyList<ProblemType> types)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new DescribedProblems(types));

    /// <summary>Serves the endpoint without a key, in every mode.</summary>
    public static TBuilder WithoutKey<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.AllowAnonymous().WithMetadata(new NoKeyNeeded());
}

/// <summary>The kinds of operations, in the order in which a reader meets them.</summary>
internal static class ApiTags
{
    public const string Users = "Users";
    public const string Tickets = "Tickets";
    public const string Models = "Models";
    public const string Webhooks = "Webhooks";
    public const string Keys = "Keys";
    public const string Statistics = "Statistics";
    public const string Administration = "Administration";

    public static IReadOnlyList<(string Name, string Description)> All { get; } =
    [
        (Users, "Whose tickets they are; the erasure of all that is a user's."),
        (Tickets, "Submit, wait for, follow, list, cancel, retry and delete tickets."),
        (Models, "What tickets can choose."),
        (Webhooks, "Signing secrets, deliveries and endpoints of webhooks."),
        (Keys, "A user's keys, where the service asks for keys."),
        (Statistics, "How the service is doing."),
        (Administration, "For administrators only, where the service asks for keys."),
    ];
}

/// <summary>Schemas of parameters.</summary>
internal static class Schemas
{
    public static OpenApiSchema Id => new() { Type = JsonSchemaType.String, Format = "uuid" };

    public static OpenApiSchema Time => new() { Type = JsonSchemaType.String };

    public static OpenApiSchema Text(int maxLength) => new() { Type = JsonSchemaType.String, MaxLength = maxLength };

    public static OpenApiSchema Pattern(string pattern) => new() { Type = JsonSchemaType.String, Pattern = pattern };

    public static OpenApiSchema Number(int min, int max, int otherwise) => new()
    {
        Type = JsonSchemaType.Integer,
        Format = "int32",
        Minimum = min.ToString(CultureInfo.InvariantCulture),
        Maximum = max.ToString(CultureInfo.InvariantCulture),
        Default = otherwise,
    };

    public static OpenApiSchema Words(IEnumerable<string> words) => new()
    {
        Type = JsonSchemaType.String,
        Enum = [.. words.Select(word => System.Text.Json.Nodes.JsonValue.Create(word))],
    };
}
