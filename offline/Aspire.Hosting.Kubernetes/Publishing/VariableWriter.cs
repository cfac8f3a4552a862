using System.Globalization;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Kubernetes.Publishing;

/// <summary>
/// Turns a resource's variables and arguments into templates over chart values: what has a secret in it into its Secret, the rest into its ConfigMap.
/// </summary>
internal sealed class VariableWriter(KubernetesResource resource, ChartValues values)
{
    public async Task WriteAsync(DistributedApplicationExecutionContext executionContext, CancellationToken cancellationToken)
    {
        var context = new EnvironmentCallbackContext(executionContext, resource.Target, cancellationToken: cancellationToken);
        foreach (var annotation in resource.Target.Annotations.OfType<EnvironmentCallbackAnnotation>())
        {
            await annotation.Callback(context);
        }

        foreach (var (name, value) in context.EnvironmentVariables)
        {
            if (Unwrap(value) is ParameterResource parameter)
            {
                WriteParameter(name, parameter);
            }
            else
            {
                WriteText(name, Text(value, embedded: false));
            }
        }
    }

    public async Task<IReadOnlyList<string>> ArgumentsAsync(CancellationToken cancellationToken)
    {
        var context = new CommandLineArgsCallbackContext([], cancellationToken);
        foreach (var annotation in resource.Target.Annotations.OfType<CommandLineArgsCallbackAnnotation>())
        {
            await annotation.Callback(context);
        }

        return [.. context.Args.Select(argument => Text(argument, embedded: false))];
    }

    private void WriteParameter(string name, ParameterResource parameter)
    {
        values.Add(parameter.Secret ? "secrets" : "config", resource.Name, parameter.Name, PublishedValue(parameter));
        if (parameter.Secret)
        {
            SecretData[name] = HelmText.Secret(resource.Name, parameter.Name);
        }
        else
        {
            ConfigData[name] = HelmText.Config(resource.Name, parameter.Name);
        }
    }

    private void WriteText(string name, string text)
    {
        var isSecret = HelmText.HasSecret(text);
        var isTemplate = HelmText.HasValue(text);
        values.Add(isSecret ? "secrets" : "config", resource.Name, name, isTemplate ? "" : text);
        (isSecret ? SecretData : ConfigData)[name] = HelmText.AsText(isTemplate ? text : HelmText.Config(resource.Name, name));
    }

    private Dictionary<string, string> SecretData => (resource.Secret ??= new() { Metadata = { Name = $"{resource.Name.ToLowerInvariant()}-secrets", Labels = resource.Labels } }).StringData;

    private Dictionary<string, string> ConfigData => (resource.ConfigMap ??= new() { Metadata = { Name = $"{resource.Name.ToLowerInvariant()}-config", Labels = resource.Labels } }).Data;

    private static string PublishedValue(ParameterResource parameter) =>
        parameter.Secret || parameter.Default is null ? "" : parameter.ResolvedValue;

    private static object Unwrap(object value) => value switch
    {
        ConnectionStringReference reference => Unwrap(reference.Resource.ConnectionStringExpression),
        ReferenceExpression { Format: "{0}", ValueProviders: [var only] } => Unwrap(only),
        ParameterResource parameter => parameter,
        IResourceWithConnectionString source => Unwrap(source.ConnectionStringExpression),
        _ => value,
    };

    /// <param name="value">What a variable was set to.</param>
    /// <param name="embedded">Whether it stands within a longer text.</param>
    private string Text(object value, bool embedded)
    {
        switch (Unwrap(value))
        {
            case string text:
                return text;
            case bool truth:
                return truth ? "true" : "false";
            case ParameterResource { Secret: true } secret:
                values.Add("secrets", resource.Name, secret.Name, "");
                return HelmText.Secret(resource.Name, secret.Name);
            case ParameterResource parameter:
                values.Add("config", resource.Name, parameter.Name, PublishedValue(parameter));
                return HelmText.Config(resource.Name, parameter.Name);
            case EndpointReference endpoint:
                return Property(PublishedEndpoint.Of(endpoint), EndpointProperty.Url, embedded);
            case EndpointReferenceExpression expression:
                return Property(PublishedEndpoint.Of(expression.Endpoint), expression.Property, embedded);
            case ReferenceExpression expression:
                return string.Format(
                    CultureInfo.InvariantCulture,
                    expression.Format,
                    [.. expression.ValueProviders.Select(provider => Text(provider, embedded: true))]);
            case IFormattable formattable:
                return formattable.ToString(null, CultureInfo.InvariantCulture);
            case var other:
                throw new DistributedApplicationException($"A variable of resource '{resource.Name}' has a value of type '{other.GetType().Name}', which is not published.");
        }
    }

    private static string Property(PublishedEndpoint endpoint, EndpointProperty property, bool embedded) => property switch
    {
        EndpointProperty.Url => $"{endpoint.Endpoint.UriScheme}://{endpoint.Host}:{endpoint.PortText}",
        EndpointProperty.Host or EndpointProperty.IPV4Host => endpoint.Host,
        EndpointProperty.HostAndPort => $"{endpoint.Host}:{endpoint.PortText}",
        EndpointProperty.Port or EndpointProperty.TargetPort => embedded ? endpoint.PortText : endpoint.Port,
        EndpointProperty.Scheme => endpoint.Endpoint.UriScheme,
        _ => throw new DistributedApplicationException($"The property '{property}' of an endpoint is not published."),
    };
}
