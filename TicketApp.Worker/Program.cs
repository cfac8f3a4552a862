using Microsoft.Extensions.Diagnostics.HealthChecks;
using TicketApp.Contracts.Broker;
using TicketApp.ServiceDefaults;
using TicketApp.Worker;
using TicketApp.Worker.Models;

var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });

builder.AddServiceDefaults();
builder.AddBroker(withoutBroker: HealthStatus.Unhealthy);
builder.Services
    .AddModels()
    .AddTicketRuns();

var app = builder.Build();

app.MapDefaultEndpoints();

await app.RunAsync();
