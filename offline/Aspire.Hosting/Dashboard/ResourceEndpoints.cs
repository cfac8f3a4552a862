using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Aspire.Hosting.ApplicationModel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Dashboard;

/// <summary>One resource: its variables, commands and console.</summary>
internal static class ResourceEndpoints
{
    public static void MapResources(this WebApplication app, DashboardResources resources, ResourceLoggerService loggers)
    {
        var group = app.MapGroup("/api/resources/{id}");
        group.MapGet("/environment", Results<Ok<IReadOnlyList<VariableDocument>>, NotFound> (string id) =>
            resources.Find(id) is { } instance ? TypedResults.Ok(resources.Variables(instance)) : TypedResults.NotFound());
        group.MapPost("/environment/{name}", Results<Ok<IReadOnlyList<VariableDocument>>, NotFound> (string id, string name) =>
            resources.Find(id) is { } instance && resources.Reveal(instance, name) is { } variable
                ? TypedResults.Ok<IReadOnlyList<VariableDocument>>([variable])
                : TypedResults.NotFound());
        group.MapPost("/commands/{name}", async Task<Results<Ok<CommandResultDocument>, NotFound>> (string id, string name) =>
            // Not cancelled with the request: a restart that was begun must also end.
            resources.Find(id) is { } instance
                ? TypedResults.Ok(await resources.ExecuteAsync(instance, name, CancellationToken.None))
                : TypedResults.NotFound());
        group.MapGet("/console", Results<ServerSentEventsResult<IReadOnlyList<ConsoleLineDocument>>, NotFound> (string id, HttpContext context) =>
            resources.Find(id) is { } instance
                ? TypedResults.ServerSentEvents(WatchAsync(loggers, instance.DisplayName, context, context.RequestAborted))
                : TypedResults.NotFound());
    }

    private static async IAsyncEnumerable<SseItem<IReadOnlyList<ConsoleLineDocument>>> WatchAsync(
        ResourceLoggerService loggers,
        string name,
        HttpContext context,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var ended = context.UntilStop(cancellationToken);
        await foreach (var lines in loggers.WatchAsync(name).WithCancellation(ended.Token))
        {
            yield return new SseItem<IReadOnlyList<ConsoleLineDocument>>(
                [.. lines.Select(line => new ConsoleLineDocument(line.LineNumber, line.Content, line.IsErrorMessage))]);
        }
    }

    /// <summary>Cancelled with the request or when the dashboard stops: a stream has no other end.</summary>
    public static CancellationTokenSource UntilStop(this HttpContext context, CancellationToken cancellationToken) =>
        CancellationTokenSource.CreateLinkedTokenSource(
            cancellationToken,
            context.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping);
}
