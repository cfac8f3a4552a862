namespace Aspire.Hosting.ApplicationModel;

public enum UrlDisplayLocation
{
    SummaryAndDetails = 0,
    DetailsOnly = 1,
}

public sealed class ResourceUrlAnnotation : IResourceAnnotation
{
    public required string Url { get; set; }

    public string? DisplayText { get; set; }

    public UrlDisplayLocation DisplayLocation { get; set; }

    public EndpointReference? Endpoint { get; init; }
}

/// <summary>Changes or adds to the URLs of a resource once its endpoints are allocated.</summary>
internal sealed class ResourceUrlsUpdateAnnotation(Action<List<ResourceUrlAnnotation>> update) : IResourceAnnotation
{
    public Action<List<ResourceUrlAnnotation>> Update { get; } = update;
}
