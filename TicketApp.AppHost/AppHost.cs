using Microsoft.Extensions.Configuration;
using TicketApp.AppHost;
using TicketApp.AppHost.Deployment;

var builder = DistributedApplication.CreateBuilder(args);
var deployment = builder.GetDeploymentOptions();

var tickets = builder.AddTicketsDatabase(deployment);
var rabbitmq = builder.AddBroker(deployment);

var api = builder.AddProject<Projects.TicketApp_Api>("api")
    .WithReference(tickets).WaitFor(tickets)
    .WithReference(rabbitmq).WaitFor(rabbitmq)
    .WithExternalHttpEndpoints()
    .WithAdminCommands()
    .WithProbes();

// No reference to the database: the worker never receives its credentials.
var worker = builder.AddProject<Projects.TicketApp_Worker>("worker")
    .WithReference(rabbitmq).WaitFor(rabbitmq)
    .WithReplicas(2)
    .WithProbes();

// The chat model is somewhere else. Without its connection string there is none.
if (!string.IsNullOrWhiteSpace(builder.Configuration.GetConnectionString("chat")))
{
    worker.WithReference(builder.AddConnectionString("chat"));
}

if (builder.ExecutionContext.IsPublishMode)
{
    builder.PublishSettings(deployment, api, worker);
}

switch (deployment.Target)
{
    case DeploymentTarget.Kubernetes: builder.DeployToKubernetes(deployment, tickets, rabbitmq, api, worker); break;
    case DeploymentTarget.Azure: builder.DeployToAzure(deployment, rabbitmq, api, worker); break;
    case DeploymentTarget.Compose: builder.DeployToCompose(deployment, tickets, rabbitmq, api, worker); break;
    default: break;
}

builder.Build().Run();
