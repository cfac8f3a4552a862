using Microsoft.Extensions.Configuration;
using TicketApp.AppHost;
using TicketApp.AppHost.Deployment;
using TicketApp.AppHost.Servers;

var builder = DistributedApplication.CreateBuilder(args);
builder.UseLocalDefaults();
var deployment = builder.GetDeploymentOptions();
var servers = builder.GetServerOptions(deployment);

var tickets = builder.AddTicketsDatabase(deployment, servers);
var (rabbitmq, rabbitmqOfWorkers) = builder.AddBroker(deployment, servers);

var api = builder.AddProject<Projects.TicketApp_Api>("api").WithConnectionStrings()
    .WithReference(tickets).WaitFor(tickets)
    .WithReference(rabbitmq, ServerResources.BrokerName).WaitFor(rabbitmq)
    .WithExternalHttpEndpoints().RunLocally(isEntry: true)
    .WithAdminCommands()
    .WithProbes();

// No reference to the database: the worker never receives its credentials. At the broker it has an account of its own.
var worker = builder.AddWorker("worker").WithConnectionStrings()
    .WithReference(rabbitmqOfWorkers, ServerResources.BrokerName).WaitFor(rabbitmq)
    .WithReplicas(2).RunLocally()
    .WithConfiguredModels()
    .WithProbes();

// A model in Python, for a run that asks for it: --Python:Workers=true.
builder.AddPythonWorker("shout", "../clients/python/examples/shout.py", rabbitmqOfWorkers, rabbitmq);

// Another role for migrations is a choice. Without its connection string the Api's own does them.
if (!string.IsNullOrWhiteSpace(builder.Configuration.GetConnectionString("migrations")))
{
    api.WithReference(builder.AddConnectionString("migrations"));
}

if (builder.ExecutionContext.IsPublishMode)
{
    builder.PublishSettings(deployment, api, worker);
}

switch (deployment.Target)
{
    case DeploymentTarget.Kubernetes: builder.DeployToKubernetes(deployment, api, worker); break;
    case DeploymentTarget.Azure: builder.DeployToAzure(deployment, api, worker); break;
    case DeploymentTarget.Compose: builder.DeployToCompose(deployment, api, worker); break;
    default: break;
}

return builder.Run();
