using Microsoft.Extensions.Diagnostics.HealthChecks;
using TicketApp.Messaging.Broker;
using TicketApp.ServiceDefaults;
using TicketApp.Worker;
using TicketApp.Worker.Models;
using TicketApp.Worker.Models.Endpoints;

ServiceProcess.ExplainStartErrors();
var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });

builder.AddServiceDefaults();
builder.AddBroker(withoutBroker: HealthStatus.Unhealthy);
builder.Services
    .AddModels()
    .AddTicketRuns();
builder.AddConfiguredModels();

var app = builder.Build();

app.MapDefaultEndpoints();

await app.RunServiceAsync();
