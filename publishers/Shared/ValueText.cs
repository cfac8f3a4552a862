using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Pipelines;

namespace Aspire.Hosting.Publishers;

/// <summary>An endpoint as others reach it in the published output.</summary>
/// <param name="Scheme">Of its URL.</param>
/// <param name="Host">The name that resolves to it.</param>
/// <param name="Port">The port within a longer text.</param>
/// <param name="PortAlone">The port where it is the whole text.</param>
internal sealed record PublishedAddress(string Scheme, string Host, string Port, string PortAlone);

/// <summary>A resource's variables and arguments as text of the published output. A value of an unknown kind is an error.</summary>
internal abstract class ValueText(IResource resource)
{
    public async Task<Dictionary<string, object>> VariablesAsync(PipelineStepContext step)
    {
        var context = new EnvironmentCallbackContext(step.ExecutionContext, resource, cancellationToken: step.CancellationToken);
        foreach (var annotation in resource.Annotations.OfType<EnvironmentCallbackAnnotation>())
        {
            await annotation.Callback(context);
        }

        return context.EnvironmentVariables;
    }

    public async Task<string[]> ArgumentsAsync(PipelineStepContext step)
    {
        var context = new CommandLineArgsCallbackContext([], resource, step.CancellationToken) { ExecutionContext = step.ExecutionContext };
        foreach (var annotation in resource.Annotations.OfType<CommandLineArgsCallbackAnnotation>())
        {
            await annotation.Callback(context);
        }

        return [.. context.Args.Select(argument => Of(argument))];
    }

    /// <summary>The text of a value.</summary>
    /// <param name="value">A text, a number, or something of the model.</param>
    /// <param name="embedded">Whether it stands within a longer text.</param>
    public string Of(object value, bool embedded = false) => Unwrap(value) switch
    {
        string text => text,
        bool truth => truth ? "true" : "false",
        ParameterResource parameter => Of(parameter),
        EndpointReference endpoint => Of(AddressOf(endpoint), EndpointProperty.Url, embedded),
        EndpointReferenceExpression expression => Of(AddressOf(expression.Endpoint), expression.Property, embedded),
        ReferenceExpression { IsConditional: false } expression => string.Format(
            CultureInfo.InvariantCulture,
            expression.Format,
            [.. expression.ValueProviders.Select(provider => Of(provider, embedded: true))]),
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        var other => throw new NotSupportedException(
            $"Resource '{resource.Name}' has a value of type {other.GetType().Name}, which this stand-in does not publish."),
    };

    /// <summary>The parameter, if that is all that a value is.</summary>
    protected static object Unwrap(object value) => value switch
    {
        ParameterResource parameter => parameter,
        ConnectionStringReference reference => Unwrap(reference.Resource.ConnectionStringExpression),
        IResourceWithConnectionString source => Unwrap(source.ConnectionStringExpression),
        ReferenceExpression { IsConditional: false, Format: "{0}", ValueProviders: [var only] } => Unwrap(only),
        _ => value,
    };

    protected abstract string Of(ParameterResource parameter);

    protected abstract PublishedAddress AddressOf(EndpointReference endpoint);

    private static string Of(PublishedAddress address, EndpointProperty property, bool embedded) => property switch
    {
        EndpointProperty.Url => $"{address.Scheme}://{address.Host}:{address.Port}",
        EndpointProperty.Host or EndpointProperty.IPV4Host => address.Host,
        EndpointProperty.HostAndPort => $"{address.Host}:{address.Port}",
        EndpointProperty.Port or EndpointProperty.TargetPort => embedded ? address.Port : address.PortAlone,
        EndpointProperty.Scheme => address.Scheme,
        _ => throw new NotSupportedException($"The property {property} of an endpoint is not published."),
    };
}
