using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Native;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting;

public static class RabbitMQBuilderExtensions
{
    private const string ImageTag = "4.3";

    public static IResourceBuilder<RabbitMQServerResource> AddRabbitMQ(
        this IDistributedApplicationBuilder builder,
        string name,
        IResourceBuilder<ParameterResource>? userName = null,
        IResourceBuilder<ParameterResource>? password = null,
        int? port = null)
    {
        var server = new RabbitMQServerResource(
            name,
            userName?.Resource,
            password?.Resource ?? ParameterResourceBuilderExtensions.CreateDefaultPassword(builder, $"{name}-password", special: false));
        var handshake = new AmqpHandshake();
        builder.Services.AddHealthChecks().AddAsyncCheck($"{name}_check", async cancellationToken =>
            server.PrimaryEndpoint.IsAllocated && await handshake.IsAnsweredAsync(server.PrimaryEndpoint.Port, cancellationToken)
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy("No answer to an AMQP handshake."));

        return builder.AddResource(server)
            .WithAnnotation(new NativeServerAnnotation(new RabbitMQServer()))
            .WithImage("library/rabbitmq", ImageTag)
            .WithImageRegistry("docker.io")
            .WithEndpoint(port: port, targetPort: 5672, name: RabbitMQServerResource.PrimaryEndpointName)
            .WithEnvironment(context =>
            {
                context.EnvironmentVariables[RabbitMQServer.UserVariable] = server.UserNameReference;
                context.EnvironmentVariables[RabbitMQServer.PasswordVariable] = server.PasswordParameter;
            })
            .WithHealthCheck($"{name}_check");
    }

    public static IResourceBuilder<RabbitMQServerResource> WithDataVolume(
        this IResourceBuilder<RabbitMQServerResource> builder,
        string? name = null,
        bool isReadOnly = false)
    {
        builder.WithVolume(name ?? VolumeNameGenerator.Generate(builder, "data"), "/var/lib/rabbitmq", isReadOnly);
        return builder.ApplicationBuilder.ExecutionContext.IsRunMode
            ? builder.WithEnvironment(RabbitMQServer.NodeNameVariable, $"{builder.Resource.Name}@localhost")
            : builder;
    }

    /// <summary>Accepted and not started: the plugin makes a native broker stop five seconds later. The log says so.</summary>
    public static IResourceBuilder<RabbitMQServerResource> WithManagementPlugin(this IResourceBuilder<RabbitMQServerResource> builder) =>
        builder.WithManagementPlugin(port: null);

    /// <inheritdoc cref="WithManagementPlugin(IResourceBuilder{RabbitMQServerResource})"/>
    public static IResourceBuilder<RabbitMQServerResource> WithManagementPlugin(this IResourceBuilder<RabbitMQServerResource> builder, int? port) =>
        builder.WithImage("library/rabbitmq", $"{ImageTag}-management")
            .WithImageRegistry("docker.io")
            .WithHttpEndpoint(port: port, targetPort: 15672, name: RabbitMQServerResource.ManagementEndpointName)
            .WithEnvironment(context =>
            {
                // For the native broker's log; a published one has the plugin in its image.
                if (context.ExecutionContext.IsRunMode)
                {
                    context.EnvironmentVariables[RabbitMQServer.ManagementVariable] = "true";
                }
            });
}
