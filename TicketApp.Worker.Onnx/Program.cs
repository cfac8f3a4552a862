using Microsoft.Extensions.Diagnostics.HealthChecks;
using TicketApp.Messaging.Broker;
using TicketApp.ServiceDefaults;
using TicketApp.Worker;
using TicketApp.Worker.Models;
using TicketApp.Worker.Models.Endpoints;
using TicketApp.Worker.Onnx;

ServiceProcess.ExplainStartErrors();
var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });

builder.AddServiceDefaults();
builder.AddBroker(withoutBroker: HealthStatus.Unhealthy);
builder.Services
    .AddModels()
    .AddTicketRuns();
builder.AddConfiguredModels(OnnxModel.Kind);

var app = builder.Build();

app.MapDefaultEndpoints();

await app.RunServiceAsync();
