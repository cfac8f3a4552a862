using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Running;

/// <summary>A check that each replica has to pass at its own port.</summary>
internal sealed record HttpHealthCheckAnnotation(string Key, EndpointReference Endpoint, string Path, int StatusCode) : IResourceAnnotation;
