using Microsoft.Extensions.Diagnostics.HealthChecks;
using TicketApp.Api;
using TicketApp.Api.Auth;
using TicketApp.Api.Completion;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Facades.OpenAi;
using TicketApp.Api.Facades.Replicate;
using TicketApp.Api.Http;
using TicketApp.Api.Operations;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;
using TicketApp.Api.Waiting;
using TicketApp.Api.Webhooks;
using TicketApp.Messaging.Broker;
using TicketApp.ServiceDefaults;

// A request that waited for the database or the broker continues on the thread that reads the answer, so that no second thread has to wake
// up. Nothing in this process blocks a thread. .NET has no other switch for it, and reads it with the first socket. A value from outside
// stands.
const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";
Environment.SetEnvironmentVariable(InlineCompletions, Environment.GetEnvironmentVariable(InlineCompletions) ?? "1");

ServiceProcess.ExplainStartErrors();
var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });

builder.AddServiceDefaults();
builder.AddHttpApi();
builder.AddProxies();
builder.AddDatabase();
builder.AddTicketMetrics();
builder.AddAccess();
builder.AddBroker(withoutBroker: HealthStatus.Degraded, declaresQueues: true); // tickets are accepted anyway
builder.Services
    .AddApiDescription()
    .AddUsers()
    .AddTickets()
    .AddModels()
    .AddTicketLists()
    .AddCompletionFeed()
    .AddWaiting()
    .AddStatistics()
    .AddDispatch()
    .AddCompletion()
    .AddWebhooks()
    .AddOpenAi()
    .AddReplicate()
    .AddLimits()
    .AddRetention()
    .AddErasure()
    .AddAdmin();

var app = builder.Build();

app.UseHttpApi();
app.UseAccess();
app.MapDefaultEndpoints();
app.MapUsers();
app.MapOriginalTickets();
app.MapApiDescription();
app.MapOpenAi();
app.MapReplicate();
app.MapResourceApi()
    .MapUserResources()
    .MapTicketResources()
    .MapTicketActions()
    .MapTicketBatch()
    .MapModels()
    .MapWebhooks()
    .MapTicketLists()
    .MapCompletionFeed()
    .MapWaiting()
    .MapStatistics()
    .MapKeys()
    .MapErasure()
    .MapAdmin();

await app.RunServiceAsync();
