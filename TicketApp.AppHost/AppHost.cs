var builder = DistributedApplication.CreateBuilder(args);

// Letters and digits only: published manifests put the password into amqp:// and postgresql:// URIs unescaped.
var password = () => new GenerateParameterDefault { MinLength = 32, Special = false };
var postgresPassword = builder.AddParameter("postgres-password", password(), secret: true, persist: true);
var rabbitPassword = builder.AddParameter("rabbitmq-password", password(), secret: true, persist: true);
var rabbitUser = builder.AddParameter("rabbitmq-username", "ticketapp", publishValueAsDefault: true);

var tickets = builder.AddPostgres("postgres", password: postgresPassword)
    .WithDataVolume()
    .AddDatabase("tickets");

var rabbitmq = builder.AddRabbitMQ("rabbitmq", rabbitUser, rabbitPassword)
    .WithManagementPlugin()
    .WithDataVolume();

builder.AddProject<Projects.TicketApp_Api>("api")
    .WithReference(tickets).WaitFor(tickets)
    .WithReference(rabbitmq).WaitFor(rabbitmq)
    .WithExternalHttpEndpoints()
    .WithHttpHealthCheck("/health");

// No reference to the database: the worker never receives its credentials.
builder.AddProject<Projects.TicketApp_Worker>("worker")
    .WithReference(rabbitmq).WaitFor(rabbitmq)
    .WithReplicas(2)
    .WithHttpHealthCheck("/health");

builder.Build().Run();
