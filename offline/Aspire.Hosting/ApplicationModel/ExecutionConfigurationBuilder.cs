using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.ApplicationModel;

public interface IExecutionConfigurationResult
{
    IEnumerable<KeyValuePair<string, string>> EnvironmentVariables { get; }

    IEnumerable<(string Value, bool IsSensitive)> Arguments { get; }

    Exception? Exception { get; }
}

public interface IExecutionConfigurationBuilder
{
    Task<IExecutionConfigurationResult> BuildAsync(
        DistributedApplicationExecutionContext executionContext,
        ILogger? resourceLogger = null,
        CancellationToken cancellationToken = default);
}

public static class ExecutionConfigurationBuilderExtensions
{
    public static IExecutionConfigurationBuilder WithEnvironmentVariablesConfig(this IExecutionConfigurationBuilder builder)
    {
        ((ExecutionConfigurationBuilder)builder).HasEnvironment = true;
        return builder;
    }

    public static IExecutionConfigurationBuilder WithArgumentsConfig(this IExecutionConfigurationBuilder builder)
    {
        ((ExecutionConfigurationBuilder)builder).HasArguments = true;
        return builder;
    }
}

/// <summary>Variables and arguments of a resource: values in a run, expressions in published output.</summary>
public sealed class ExecutionConfigurationBuilder : IExecutionConfigurationBuilder
{
    private readonly IResource _resource;

    private ExecutionConfigurationBuilder(IResource resource) => _resource = resource;

    internal bool HasEnvironment { get; set; }

    internal bool HasArguments { get; set; }

    public static IExecutionConfigurationBuilder Create(IResource resource) => new ExecutionConfigurationBuilder(resource);

    public async Task<IExecutionConfigurationResult> BuildAsync(
        DistributedApplicationExecutionContext executionContext,
        ILogger? resourceLogger = null,
        CancellationToken cancellationToken = default)
    {
        var variables = new Dictionary<string, object>();
        var arguments = new List<object>();
        if (HasEnvironment)
        {
            var context = new EnvironmentCallbackContext(executionContext, _resource, variables, cancellationToken);
            foreach (var annotation in _resource.Annotations.OfType<EnvironmentCallbackAnnotation>())
            {
                await annotation.Callback(context);
            }
        }

        if (HasArguments)
        {
            var context = new CommandLineArgsCallbackContext(arguments, cancellationToken);
            foreach (var annotation in _resource.Annotations.OfType<CommandLineArgsCallbackAnnotation>())
            {
                await annotation.Callback(context);
            }
        }

        var result = new Result();
        foreach (var (name, value) in variables)
        {
            if (await ResolveAsync(value, executionContext, result, cancellationToken) is { } text)
            {
                result.Variables[name] = text;
            }
        }

        foreach (var value in arguments)
        {
            if (await ResolveAsync(value, executionContext, result, cancellationToken) is { } text)
            {
                result.Values.Add((text, value is ParameterResource { Secret: true }));
            }
        }

        return result;
    }

    private static async Task<string?> ResolveAsync(
        object value,
        DistributedApplicationExecutionContext executionContext,
        Result result,
        CancellationToken cancellationToken)
    {
        try
        {
            return value switch
            {
                string text => text,
                IManifestExpressionProvider expression when executionContext.IsPublishMode => expression.ValueExpression,
                IValueProvider provider => await provider.GetValueAsync(cancellationToken),
                _ => value.ToString(),
            };
        }
        catch (DistributedApplicationException e)
        {
            result.Exception ??= e;
            return null;
        }
    }

    private sealed class Result : IExecutionConfigurationResult
    {
        public Dictionary<string, string> Variables { get; } = [];

        public List<(string Value, bool IsSensitive)> Values { get; } = [];

        public Exception? Exception { get; set; }

        IEnumerable<KeyValuePair<string, string>> IExecutionConfigurationResult.EnvironmentVariables => Variables;

        IEnumerable<(string Value, bool IsSensitive)> IExecutionConfigurationResult.Arguments => Values;
    }
}
