using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.EndToEnd;

/// <summary>Services that start with settings that are wrong.</summary>
[Collection(AppCollection.Name)]
public sealed class StartTests(AppFixture app)
{
    private const string Api = "TicketApp.Api";
    private const string Worker = "TicketApp.Worker";

    /// <param name="project">Whose service starts.</param>
    /// <param name="setting">As a variable.</param>
    /// <param name="value">What it can never be.</param>
    /// <param name="reason">What the line must name.</param>
    [Theory]
    [InlineData(Worker, "ConnectionStrings__rabbitmq", "", "ConnectionStrings:rabbitmq")]
    [InlineData(Worker, "ConnectionStrings__rabbitmq", "nonsense", "ConnectionStrings:rabbitmq")]
    [InlineData(Worker, "ConnectionStrings__rabbitmq", "http://127.0.0.1", "ConnectionStrings:rabbitmq")]
    [InlineData(Worker, "Models__llama__Kind", "nonsense", "Models:llama:Kind")]
    [InlineData(Worker, "Worker__ExecutionTimeout", "soon", "Worker:ExecutionTimeout")]
    [InlineData(Worker, "Worker__ExecutionTimeout", "9.00:00:00", "ExecutionTimeout")]
    [InlineData(Worker, "Worker__Models__0", "unheard-of", "Worker:Models")]
    [InlineData(Worker, "Logging__LogLevel__Default", "Loud", "Loud")]
    [InlineData(Worker, "ASPNETCORE_URLS", "nonsense", "ASPNETCORE_URLS")]
    [InlineData(Api, "ConnectionStrings__tickets", "nonsense", "ConnectionStrings:tickets")]
    [InlineData(Api, "ConnectionStrings__tickets", "Database=tickets", "ConnectionStrings:tickets")]
    [InlineData(Api, "Dispatch__LeaseDuration", "00:00:19", "Lease")]
    public async Task A_setting_that_cannot_be_right_ends_the_process_with_one_line(
        string project, string setting, string value, string reason)
    {
        await using var service = Service(project, () => Task.FromResult(false), (setting, value));

        var end = await Assert.ThrowsAsync<InvalidOperationException>(service.StartAsync);

        Assert.EndsWith("ended with code 1.", end.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(service.Output, line => line.Contains("   at ", StringComparison.Ordinal));
        var line = service.Output.Last();
        Assert.StartsWith($"{project} cannot start: ", line, StringComparison.Ordinal);
        Assert.Contains(reason, line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("OTEL_TRACES_SAMPLER", "parentbased_jaeger_remote")]
    [InlineData("OTEL_TRACES_SAMPLER_ARG", "0,5")]
    public async Task A_sampler_that_is_unknown_is_warned_of_and_every_request_traced(string variable, string value)
    {
        const string Ready = "is connected to the broker";
        ChildProcess? started = null;
        await using var service = started = Service(
            Worker,
            () => Task.FromResult(started!.Output.Any(line => line.Contains(Ready, StringComparison.Ordinal))),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"), ("OTEL_TRACES_SAMPLER", "traceidratio"), (variable, value));

        await service.StartAsync();

        var line = Assert.Single(service.Output, line => line.Contains(variable, StringComparison.Ordinal));
        Assert.Contains($"'{value}'", line, StringComparison.Ordinal);
    }

    private ChildProcess Service(string project, Func<Task<bool>> isReady, params IEnumerable<(string Name, string Value)> settings)
    {
        Dictionary<string, string> environment = new()
        {
            ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{AppProcesses.NextPort()}",
            ["ConnectionStrings__rabbitmq"] = (project == Api ? app.ApiBroker : app.WorkerBroker).ToString(),
            ["ConnectionStrings__tickets"] = app.ApiDatabase,
            // Serves nothing that other tests ask for.
            ["Worker__Models__0"] = "sentiment",
        };
        foreach (var (name, value) in settings)
        {
            environment[name] = value;
        }

        return new(project, [Repository.OutputOf(project)], environment, isReady);
    }
}
