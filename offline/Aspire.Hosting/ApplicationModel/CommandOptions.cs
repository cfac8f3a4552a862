namespace Aspire.Hosting.ApplicationModel;

/// <summary>What else there is to say of a command.</summary>
public class CommandOptions
{
    public string? Description { get; set; }

    public string? ConfirmationMessage { get; set; }

    public string? IconName { get; set; }

    public bool IsHighlighted { get; set; }

    public Func<UpdateCommandStateContext, ResourceCommandState>? UpdateState { get; set; }
}

/// <summary>What of the answer becomes the command's result.</summary>
public enum HttpCommandResultMode
{
    None,
    Auto,
    Json,
    Text,
}

/// <summary>What else there is to say of a command that is an HTTP request.</summary>
public class HttpCommandOptions : CommandOptions
{
    public HttpMethod? Method { get; set; }

    public Func<HttpCommandRequestContext, Task>? PrepareRequest { get; set; }

    public HttpCommandResultMode ResultMode { get; set; }
}

public sealed class HttpCommandRequestContext
{
    public required IServiceProvider Services { get; init; }

    public required string ResourceName { get; init; }

    public required EndpointReference Endpoint { get; init; }

    public required CancellationToken CancellationToken { get; init; }

    public required HttpClient HttpClient { get; init; }

    public required HttpRequestMessage Request { get; init; }
}
