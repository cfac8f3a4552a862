using MassTransitBaseline;

// One program, two roles: "api" and "worker".
var builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.SetMinimumLevel(LogLevel.Warning);
var isApi = args is ["api", ..];
if (isApi)
{
    builder.AddTicketsDatabase();
    builder.AddApiBus();
}
else
{
    builder.AddWorkerBus();
}

var app = builder.Build();
app.MapHealthChecks("/health");
if (isApi)
{
    await app.CreateSchemaAsync();
    app.MapTickets();
}

await app.RunAsync();
