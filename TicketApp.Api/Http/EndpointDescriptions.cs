namespace TicketApp.Api.Http;

/// <summary>Something that a request carries beside its path and body: a parameter or a header.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">What it does.</param>
/// <param name="IsHeader">Whether it is a header.</param>
/// <param name="IsNumber">Whether it is a whole number; else it is text.</param>
internal sealed record DescribedParameter(string Name, string Description, bool IsHeader, bool IsNumber);

/// <summary>Problems that an endpoint can answer with.</summary>
internal sealed record DescribedProblems(IReadOnlyList<ProblemType> Types);

/// <summary>An example of a body, as JSON.</summary>
internal sealed record DescribedExample(string Json, bool IsRequest);

/// <summary>Says of endpoints, beside where they are mapped, what their types do not say.</summary>
internal static class EndpointDescriptions
{
    public static TBuilder WithParameter<TBuilder>(this TBuilder endpoint, string name, string description, bool isNumber = false)
        where TBuilder : IEndpointConventionBuilder =>
            endpoint.WithMetadata(new DescribedParameter(name, description, IsHeader: false, isNumber));

    public static TBuilder WithHeader<TBuilder>(this TBuilder endpoint, string name, string description)
        where TBuilder : IEndpointConventionBuilder =>
            endpoint.WithMetadata(new DescribedParameter(name, description, IsHeader: true, IsNumber: false));

    public static TBuilder WithRequestExample<TBuilder>(this TBuilder endpoint, string json)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new DescribedExample(json, IsRequest: true));

    public static TBuilder WithResponseExample<TBuilder>(this TBuilder endpoint, string json)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new DescribedExample(json, IsRequest: false));

    /// <summary>Names problems that an endpoint answers with, beside those of every endpoint.</summary>
    public static TBuilder WithProblems<TBuilder>(this TBuilder endpoint, params IReadOnlyList<ProblemType> types)
        where TBuilder : IEndpointConventionBuilder
    {
        foreach (var status in types.Select(type => type.Status).Distinct())
        {
            endpoint.WithMetadata(new ProducesResponseTypeMetadata(status, typeof(Problem), [Problem.ContentType]));
        }

        return endpoint.WithMetadata(new DescribedProblems(types));
    }
}
