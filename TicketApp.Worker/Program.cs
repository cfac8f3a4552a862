using TicketApp.Contracts.Broker;
using TicketApp.ServiceDefaults;
using TicketApp.Worker;

var builder = WebApplication.CreateSlimBuilder(args);

builder.AddServiceDefaults();
builder.AddBroker();
builder.Services
    .AddModels()
    .AddTicketRuns();

var app = builder.Build();

app.MapDefaultEndpoints();

await app.RunAsync();
