using JasperFx;
using Wolverine;
using WolverineBaseline;

// One program, two roles: "api" and "worker". After a change to a handler, write Internal/Generated for both; in this folder:
// ConnectionStrings__tickets=Host=none ConnectionStrings__rabbitmq=amqp://none dotnet run -p:WriteGeneratedCode=true -- codegen write
var builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.Services.AddHealthChecks();
var isCodeGeneration = args is ["codegen", ..];
var isApi = args is ["api", ..];
var database = isApi || isCodeGeneration ? builder.AddTicketsDatabase() : null;
builder.Services.AddWolverine(options =>
{
    options.UseBroker(builder.Configuration.GetConnectionString("rabbitmq")!);
    if (database is not null)
    {
        options.UseApi(database);
    }

    if (!isApi)
    {
        options.UseWorker();
    }
});

var app = builder.Build();
if (isCodeGeneration)
{
    return await app.RunJasperFxCommands(args);
}

app.MapHealthChecks("/health");
if (isApi)
{
    await app.CreateSchemaAsync();
    app.MapTickets();
}

await app.RunAsync();
return 0;
