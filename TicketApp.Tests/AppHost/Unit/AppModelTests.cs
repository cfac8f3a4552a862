using Aspire.Hosting.Azure;
using Azure.Provisioning.AppContainers;
using Microsoft.Extensions.Logging.Abstractions;
using TicketApp.AppHost;

namespace TicketApp.Tests.AppHost.Unit;

/// <summary>The application model, built and never started: no server, no container engine.</summary>
public sealed class AppModelTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_worker_gets_the_broker_and_never_the_database()
    {
        await using var builder = await CreateAsync();
        var worker = Find<ProjectResource>(builder, "worker");

        var variables = await PublishedVariablesAsync(worker);

        Assert.Equal("{rabbitmq-worker.connectionString}", variables["ConnectionStrings__rabbitmq"]);
        Assert.DoesNotContain(variables.Keys, name => name.Contains("tickets", StringComparison.OrdinalIgnoreCase));
        Assert.DoesNotContain(variables.Values, value => value.Contains("postgres", StringComparison.OrdinalIgnoreCase));
        Assert.Equal(["rabbitmq-worker"], References(worker));
    }

    [Fact]
    public async Task Only_the_workers_get_the_configured_models_and_their_keys_as_secrets()
    {
        await using var builder = await CreateAsync(
            "Models:llama:Kind=chat", "Models:llama:Url=https://api.example.com",
            "Models:llama:ApiKey=k", "Models:llama:Headers:X-Team=blue");

        var variables = await PublishedVariablesAsync(Find<ProjectResource>(builder, "worker"));

        Assert.Equal(("chat", "https://api.example.com"), (variables["Models__llama__Kind"], variables["Models__llama__Url"]));
        Assert.Equal("{models-llama-apikey.value}", variables["Models__llama__ApiKey"]);
        Assert.Equal("{models-llama-headers-x-team.value}", variables["Models__llama__Headers__X-Team"]);
        Assert.True(Find<ParameterResource>(builder, "models-llama-apikey").Secret);
        var ofApi = await PublishedVariablesAsync(Find<ProjectResource>(builder, "api"));
        Assert.DoesNotContain(ofApi.Keys, name => name.StartsWith("Models", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("chat", "TicketApp.Worker")]
    [InlineData("ONNX", "TicketApp.Worker.Onnx")]
    public async Task The_workers_are_of_the_program_that_has_the_kinds_of_the_models(string kind, string program)
    {
        await using var builder = await CreateAsync($"Models:reviews:Kind={kind}");
        var worker = Find<ProjectResource>(builder, "worker");

        Assert.Equal(program, Path.GetFileNameWithoutExtension(worker.GetProjectMetadata().ProjectPath));
        Assert.Equal("http", Assert.Single(worker.Annotations.OfType<EndpointAnnotation>()).Name);
        Assert.Equal(2, worker.GetReplicaCount());
        Assert.Equal(kind, (await PublishedVariablesAsync(worker))["Models__reviews__Kind"]);
    }

    [Fact]
    public async Task A_worker_in_Python_runs_where_it_is_asked_for()
    {
        await using var without = await CreateAsync();
        Assert.Empty(without.Resources.OfType<PythonWorker>());

        await using var builder = await CreateAsync("Python:Workers=true", "Python:Interpreter=/opt/python");
        var worker = Assert.Single(builder.Resources.OfType<PythonWorker>());
        var result = await ExecutionConfigurationBuilder.Create(worker)
            .WithArgumentsConfig()
            .WithEnvironmentVariablesConfig()
            .BuildAsync(new DistributedApplicationExecutionContext(DistributedApplicationOperation.Publish), NullLogger.Instance, Cancel);

        var variables = result.EnvironmentVariables.ToDictionary();
        Assert.Equal(("shout", "/opt/python"), (worker.Name, worker.Command));
        Assert.True(File.Exists(Assert.Single(result.Arguments).Value));
        Assert.True(File.Exists(Path.Combine(variables["PYTHONPATH"], "ticketapp_worker", "__init__.py")));
        Assert.Equal("{rabbitmq-worker.connectionString}", variables["ConnectionStrings__rabbitmq"]);
        Assert.DoesNotContain(variables.Keys, name => name.Contains("tickets", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task The_api_gets_the_database_and_the_broker()
    {
        await using var builder = await CreateAsync();
        var api = Find<ProjectResource>(builder, "api");

        var variables = await PublishedVariablesAsync(api);

        Assert.Equal("{tickets.connectionString}", variables["ConnectionStrings__tickets"]);
        Assert.Equal("{rabbitmq.connectionString}", variables["ConnectionStrings__rabbitmq"]);
        Assert.Equal(["rabbitmq", "tickets"], References(api).Order());
    }

    [Theory]
    [InlineData("api", "rabbitmq,tickets")]
    [InlineData("worker", "rabbitmq")]
    public async Task Projects_wait_until_what_they_use_is_healthy(string project, string expected)
    {
        await using var builder = await CreateAsync();

        var waits = Find<ProjectResource>(builder, project).Annotations.OfType<WaitAnnotation>().ToArray();

        Assert.Equal(expected.Split(','), waits.Select(wait => wait.Resource.Name).Order());
        Assert.All(waits, wait => Assert.Equal(WaitType.WaitUntilHealthy, wait.WaitType));
    }

    [Theory]
    [InlineData("api", 1)]
    [InlineData("worker", 2)]
    public async Task Projects_have_their_replicas_and_a_health_check(string project, int replicas)
    {
        await using var builder = await CreateAsync();
        var resource = Find<ProjectResource>(builder, project);

        Assert.Equal(replicas, resource.GetReplicaCount());
        Assert.Contains(
            resource.Annotations.OfType<HealthCheckAnnotation>(),
            check => check.Key.Contains("/health", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Only_the_api_is_reachable_from_outside()
    {
        await using var builder = await CreateAsync();

        var external = builder.Resources
            .SelectMany(
                resource => resource.Annotations.OfType<EndpointAnnotation>(),
                (resource, endpoint) => (resource.Name, Endpoint: endpoint))
            .Where(pair => pair.Endpoint.IsExternal)
            .ToArray();

        Assert.Equal(("api", "http"), Assert.Single(external.Select(pair => (pair.Name, pair.Endpoint.Name))));
    }

    [Theory]
    [InlineData("postgres", "library/postgres", "/var/lib/postgresql")]
    [InlineData("rabbitmq", "library/rabbitmq", "/var/lib/rabbitmq")]
    public async Task Servers_are_the_official_images_with_data_volumes(string server, string image, string mountedAt)
    {
        await using var builder = await CreateAsync();
        var resource = Find<ContainerResource>(builder, server);

        Assert.Equal(image, Assert.Single(resource.Annotations.OfType<ContainerImageAnnotation>()).Image);
        var mount = Assert.Single(resource.Annotations.OfType<ContainerMountAnnotation>());
        Assert.Equal((ContainerMountType.Volume, mountedAt), (mount.Type, mount.Target));
    }

    [Fact]
    public async Task The_broker_has_its_management_page()
    {
        await using var builder = await CreateAsync();
        var rabbitmq = Find<RabbitMQServerResource>(builder, "rabbitmq");

        var image = Assert.Single(rabbitmq.Annotations.OfType<ContainerImageAnnotation>());
        Assert.EndsWith("-management", image.Tag, StringComparison.Ordinal);
        Assert.True(rabbitmq.ManagementEndpoint.Exists);
    }

    [Fact]
    public async Task Generated_passwords_are_long_secret_and_safe_in_a_uri()
    {
        await using var builder = await CreateAsync();
        var passwords = builder.Resources
            .OfType<ParameterResource>()
            .Where(parameter => parameter.Name.EndsWith("-password", StringComparison.Ordinal))
            .ToArray();

        Assert.Equal(
            ["postgres-password", "rabbitmq-password", "rabbitmq-worker-password", "tickets-password"],
            passwords.Select(parameter => parameter.Name).Order());
        Assert.All(passwords, password => Assert.True(password.Secret));
        var generated = new GenerateParameterDefault { MinLength = 32, Special = false }.GetDefaultValue();
        Assert.Matches("^[A-Za-z0-9]{32,}$", generated);
    }

    [Fact]
    public async Task Values_of_a_run_reach_the_api_in_the_forms_that_it_reads()
    {
        await using var builder = await CreateAsync(
            "Parameters:tickets-password=pg", "Parameters:rabbitmq-password=mq", "Parameters:rabbitmq-worker-password=wk");
        Assert.True(builder.ExecutionContext.IsRunMode);

        // The orchestrator allocates the endpoints, and none runs here.
        var port = 40000;
        foreach (var endpoint in builder.Resources.SelectMany(resource => resource.Annotations.OfType<EndpointAnnotation>()))
        {
            endpoint.AllocatedEndpoint = new AllocatedEndpoint(
                endpoint, "localhost", endpoint.Port ?? port++, targetPortExpression: "45000");
        }

        var variables = await VariablesAsync(Find<ProjectResource>(builder, "api"), builder.ExecutionContext);

        Assert.Matches(
            "^Host=127.0.0.1;Port=4000[0-9];Username=ticketapp;Password=\"pg\";Database=tickets$",
            variables["ConnectionStrings__tickets"]);
        Assert.Matches("^amqp://ticketapp:mq@localhost:4000[0-9]$", variables["ConnectionStrings__rabbitmq"]);
        var worker = await VariablesAsync(Find<ProjectResource>(builder, "worker"), builder.ExecutionContext);
        Assert.Matches("^amqp://worker:wk@127.0.0.1:4000[0-9]$", worker["ConnectionStrings__rabbitmq"]);
        Assert.Equal("http://localhost:45000", variables["ASPNETCORE_URLS"]);
    }

    /// <summary>What the packages for Azure would call: the stand-ins publish nothing.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData("tickets.example.org")]
    public async Task On_Azure_the_api_has_a_name_of_its_own_where_one_is_set(string? host)
    {
        string[] publish = ["--operation", "publish", "--step", "publish", "--Deployment:Target=azure"];
        await using var builder = await CreateAsync([.. publish, .. host is null ? (string[])[] : [$"--Deployment:PublicHost={host}"]]);
        var app = new ContainerApp { Template = { Containers = { new ContainerAppContainer() } } };

        foreach (var customization in Find<ProjectResource>(builder, "api").Annotations.OfType<AzureContainerAppCustomizationAnnotation>())
        {
            customization.Configure(new AzureResourceInfrastructure(), app);
        }

        Assert.Equal(2, app.Template.Scale.MinReplicas.Value);
        var names = app.Configuration.Ingress.CustomDomains.Select(domain => domain.Value!.Name.Value);
        Assert.Equal(host is null ? [] : ["public-host"], names);
        if (host is not null)
        {
            Assert.Equal(host, await Find<ParameterResource>(builder, "public-host").GetValueAsync(Cancel));
        }
    }

    private static Task<IDistributedApplicationTestingBuilder> CreateAsync(params string[] args) =>
        DistributedApplicationTestingBuilder.CreateAsync<Projects.TicketApp_AppHost>(["--Servers:Mode=containers", .. args], Cancel);

    private static T Find<T>(IDistributedApplicationTestingBuilder builder, string name)
        where T : IResource => builder.Resources.OfType<T>().Single(resource => resource.Name == name);

    private static IEnumerable<string> References(ProjectResource resource) => resource.Annotations
        .OfType<ResourceRelationshipAnnotation>()
        .Where(relationship => relationship.Type == "Reference")
        .Select(relationship => relationship.Resource.Name);

    /// <summary>As expressions: nothing has to be allocated or known.</summary>
    private static Task<Dictionary<string, string>> PublishedVariablesAsync(ProjectResource resource) =>
        VariablesAsync(resource, new DistributedApplicationExecutionContext(DistributedApplicationOperation.Publish));

    private static async Task<Dictionary<string, string>> VariablesAsync(
        ProjectResource resource, DistributedApplicationExecutionContext context)
    {
        var result = await ExecutionConfigurationBuilder.Create(resource)
            .WithEnvironmentVariablesConfig()
            .BuildAsync(context, NullLogger.Instance, Cancel);
        Assert.Null(result.Exception);
        return result.EnvironmentVariables.ToDictionary();
    }
}
