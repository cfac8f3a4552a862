using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;

namespace Aspire.Hosting;

public static partial class ResourceBuilderExtensions
{
    public static IResourceBuilder<T> WithCommand<T>(
        this IResourceBuilder<T> builder,
        string name,
        string displayName,
        Func<ExecuteCommandContext, Task<ExecuteCommandResult>> executeCommand,
        CommandOptions? commandOptions = null)
        where T : IResource
    {
        if (builder.Resource.Annotations.OfType<ResourceCommandAnnotation>().SingleOrDefault(command => command.Name == name) is { } existing)
        {
            builder.Resource.Annotations.Remove(existing);
        }

        return builder.WithAnnotation(new ResourceCommandAnnotation(
            name,
            displayName,
            commandOptions?.UpdateState ?? (_ => ResourceCommandState.Enabled),
            executeCommand,
            commandOptions?.Description,
            commandOptions?.ConfirmationMessage,
            commandOptions?.IsHighlighted ?? false));
    }

    public static IResourceBuilder<TResource> WithHttpCommand<TResource>(
        this IResourceBuilder<TResource> builder,
        string path,
        string displayName,
        string? endpointName = null,
        string? commandName = null,
        HttpCommandOptions? commandOptions = null)
        where TResource : IResourceWithEndpoints
    {
        var endpoint = HttpEndpoint(builder, endpointName, "HTTP command");
        commandOptions ??= new();
        commandOptions.Method ??= HttpMethod.Post;
        commandOptions.UpdateState ??= context =>
            context.ResourceSnapshot.State?.Text == KnownResourceStates.Running ? ResourceCommandState.Enabled : ResourceCommandState.Disabled;
        commandName ??= $"{endpoint.Resource.Name}-{endpoint.EndpointName}-http-{commandOptions.Method.Method.ToLowerInvariant()}-{path}";
        return builder.WithCommand(commandName, displayName, context => SendAsync(endpoint, path, commandOptions, context), commandOptions);
    }

    private static async Task<ExecuteCommandResult> SendAsync(EndpointReference endpoint, string path, HttpCommandOptions options, ExecuteCommandContext context)
    {
        if (!endpoint.IsAllocated)
        {
            return new() { Success = false, Message = "Endpoints are not yet allocated." };
        }

        using var http = context.Services.GetRequiredService<IHttpClientFactory>().CreateClient();
        using HttpRequestMessage request = new(options.Method!, new UriBuilder(endpoint.Url) { Path = path }.Uri);
        if (options.PrepareRequest is not null)
        {
            await options.PrepareRequest(new()
            {
                Services = context.Services,
                ResourceName = context.ResourceName,
                Endpoint = endpoint,
                CancellationToken = context.CancellationToken,
                HttpClient = http,
                Request = request,
            });
        }

        try
        {
            using var response = await http.SendAsync(request, context.CancellationToken);
            var body = options.ResultMode == HttpCommandResultMode.None ? "" : await response.Content.ReadAsStringAsync(context.CancellationToken);
            return new()
            {
                Success = response.IsSuccessStatusCode,
                Message = response.IsSuccessStatusCode ? null : $"Request failed with status code {response.StatusCode}",
                Data = body.Length == 0 ? null : new() { Value = body },
            };
        }
        catch (HttpRequestException e)
        {
            return new() { Success = false, Message = e.Message };
        }
    }
}
