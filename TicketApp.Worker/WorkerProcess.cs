using Microsoft.Extensions.Diagnostics.HealthChecks;
using TicketApp.Messaging.Broker;
using TicketApp.ServiceDefaults;
using TicketApp.Worker.Models;
using TicketApp.Worker.Models.Endpoints;

namespace TicketApp.Worker;

/// <summary>What every program that runs tickets does.</summary>
internal static class WorkerProcess
{
    /// <summary>Runs until it is told to stop.</summary>
    /// <param name="args">Of the command line.</param>
    /// <param name="kinds">Kinds of models that this program alone has.</param>
    public static async Task RunAsync(string[] args, params ModelKind[] kinds)
    {
        ServiceProcess.ExplainStartErrors();
        WebApplicationOptions options = new() { Args = args, ContentRootPath = AppContext.BaseDirectory };
        var builder = WebApplication.CreateSlimBuilder(options);

        builder.AddServiceDefaults();
        builder.AddBroker(withoutBroker: HealthStatus.Unhealthy);
        builder.Services
            .AddModels()
            .AddTicketRuns();
        builder.AddConfiguredModels(kinds);

        var app = builder.Build();

        app.MapDefaultEndpoints();

        await app.RunServiceAsync();
    }
}
