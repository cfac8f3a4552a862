using System.Net.Http.Headers;

namespace TicketApp.AppHost;

/// <summary>What an administrator does, as commands in the dashboard. The paths are described in docs/operations.md.</summary>
internal static class ApiCommands
{
    public static IResourceBuilder<ProjectResource> WithAdminCommands(this IResourceBuilder<ProjectResource> api) => api
        .Add("pause-dispatching", "Pause dispatching", "dispatch/pause", "New tickets are accepted and wait; dispatched tickets continue.")
        .Add("resume-dispatching", "Resume dispatching", "dispatch/resume", "Tickets that wait are dispatched again.")
        .Add("check-invariants", "Check invariants", "invariants", "Counts what must never be; every count should be 0.", HttpMethod.Get)
        .Add(
            "retry-dead-tickets", "Retry dead tickets", "dead-tickets/retry", "Up to 1,000 that failed, timed out or expired run again.",
            question: "Run up to 1,000 dead tickets again?")
        .Add(
            "purge-dead-tickets", "Purge dead tickets", "dead-tickets/purge", "Up to 1,000 that failed, timed out or expired are removed.",
            question: "Remove up to 1,000 dead tickets for good?");

    private static IResourceBuilder<ProjectResource> Add(
        this IResourceBuilder<ProjectResource> api,
        string name,
        string title,
        string path,
        string description,
        HttpMethod? method = null,
        string? question = null)
    {
        // Where calls need keys, the Api gets this one from the same place.
        var key = api.ApplicationBuilder.Configuration["Auth:AdminKeys:0"];
        return api.WithHttpCommand($"/v1/admin/{path}", title, commandName: name, commandOptions: new()
        {
            Description = description,
            ConfirmationMessage = question,
            Method = method ?? HttpMethod.Post,
            ResultMode = HttpCommandResultMode.Json,
            PrepareRequest = context =>
            {
                context.Request.Headers.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
                return Task.CompletedTask;
            },
        });
    }
}
