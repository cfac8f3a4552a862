using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting;

public static class ParameterResourceBuilderExtensions
{
    public static IResourceBuilder<ParameterResource> AddParameter(this IDistributedApplicationBuilder builder, string name, bool secret = false) =>
        Add(builder, name, @default: null, secret);

    public static IResourceBuilder<ParameterResource> AddParameter(
        this IDistributedApplicationBuilder builder,
        string name,
        string value,
        bool publishValueAsDefault = false,
        bool secret = false) => builder.AddParameter(name, () => value, publishValueAsDefault, secret);

    public static IResourceBuilder<ParameterResource> AddParameter(
        this IDistributedApplicationBuilder builder,
        string name,
        Func<string> valueGetter,
        bool publishValueAsDefault = false,
        bool secret = false) => publishValueAsDefault && secret
            ? throw new ArgumentException("A parameter cannot be both secret and published as a default value.", nameof(secret))
            : Add(builder, name, new ConstantParameterDefault(valueGetter), secret);

    public static IResourceBuilder<ParameterResource> AddParameter(
        this IDistributedApplicationBuilder builder,
        string name,
        ParameterDefault value,
        bool secret = false,
        bool persist = false) =>
        Add(builder, name, persist ? new PersistedParameterDefault(((DistributedApplicationBuilder)builder).Data, name, value) : value, secret);

    public static IResourceBuilder<IResourceWithConnectionString> AddConnectionString(
        this IDistributedApplicationBuilder builder,
        string name,
        string? environmentVariableName = null) =>
        builder.AddResource(new ConnectionStringParameterResource(
            name,
            _ => builder.Configuration.GetConnectionString(name)
                ?? throw new MissingParameterValueException(
                    $"Connection string parameter resource could not be used because connection string '{name}' is missing."),
            environmentVariableName));

    internal static ParameterResource CreateDefaultPassword(IDistributedApplicationBuilder builder, string name, bool special) =>
        Create(builder, name, new PersistedParameterDefault(((DistributedApplicationBuilder)builder).Data, name, new GenerateParameterDefault { Special = special }), secret: true);

    private static IResourceBuilder<ParameterResource> Add(IDistributedApplicationBuilder builder, string name, ParameterDefault? @default, bool secret) =>
        builder.AddResource(Create(builder, name, @default, secret));

    private static ParameterResource Create(IDistributedApplicationBuilder builder, string name, ParameterDefault? @default, bool secret) =>
        new(
            name,
            value => builder.Configuration[$"Parameters:{name}"]
                ?? value?.GetDefaultValue()
                ?? throw new MissingParameterValueException(
                    $"Parameter resource could not be used because configuration key 'Parameters:{name}' is missing and the Parameter has no default value."),
            secret)
        {
            Default = @default,
        };

    private sealed class ConstantParameterDefault(Func<string> valueGetter) : ParameterDefault
    {
        public override string GetDefaultValue() => valueGetter();
    }
}
