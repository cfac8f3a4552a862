using System.Globalization;
using System.Net;
using TicketApp.AppHost;
using TicketApp.Tests.Conformance;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Models;

/// <summary>The examples in Python, in the running application.</summary>
[Collection(AppCollection.Name)]
public sealed class PythonTicketTests(AppFixture app)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task The_example_answers_over_TLS_and_streams()
    {
        await using var worker = Worker("localhost");
        await worker.StartAsync();
        ResourceClient api = new(app.Api);
        await Eventually.IsTrueAsync("The model", _limit, async () => (await api.GetAsync("/v1/models")).Body.Contains("\"shout\""));

        var userId = await app.CreateUserAsync();
        var number = await api.PostAsync("/v1/tickets", $$"""{"user_id":"{{userId}}","model":"shout","input":1}""");
        Assert.Equal(
            """{"input":["must be a string"]}""",
            number.Problem(HttpStatusCode.BadRequest, "invalid-request")["errors"]!.ToJsonString());
        Assert.Equal("""{"type":"string"}""", (await api.GetAsync("/v1/models/shout")).Json["input_schema"]!.ToJsonString());

        var ticket = await app.CreateTicketAsync(userId, "shout", string.Join(' ', Enumerable.Repeat("grüß", 20)));

        Assert.StartsWith("GRÜSS GRÜSS ", await app.FinishAsync(ticket), StringComparison.Ordinal);
        var events = await api.GetAsync($"/v1/tickets/{ticket}/events");
        Assert.Contains("\"text\":\"", events.Body, StringComparison.Ordinal);
        Assert.Equal(0, await worker.StopAsync());
    }

    [Fact]
    public async Task A_broker_that_cannot_prove_its_name_is_refused()
    {
        await using var worker = Worker("127.0.0.1");

        await worker.StartAsync();

        await Eventually.IsTrueAsync("The reason", _limit, () =>
            worker.Output.Any(line => line.Contains("certificate", StringComparison.OrdinalIgnoreCase)));
    }

    [Fact]
    public async Task Tickets_share_a_call_of_a_model_that_is_warm_and_one_that_is_wrong_fails_alone()
    {
        using HttpClient probe = new();
        var address = $"127.0.0.1:{AppProcesses.NextPort().ToString(CultureInfo.InvariantCulture)}";
        await using var worker = Worker("localhost", "count.py", ("Worker__HealthAddress", address));
        await worker.StartAsync();
        await Eventually.IsTrueAsync("It is healthy", _limit, async () =>
        {
            try
            {
                return await probe.GetStringAsync(new Uri($"http://{address}/health"), TestContext.Current.CancellationToken) == "Healthy";
            }
            catch (HttpRequestException)
            {
                return false;
            }
        });
        ResourceClient api = new(app.Api);
        await Eventually.IsTrueAsync("The model", _limit, async () => (await api.GetAsync("/v1/models")).Results.Any(model =>
            (string?)model!["name"] == "count" && (int)model["largest_batch"]! == 32));
        var user = await app.CreateUserAsync();
        var inputs = Enumerable.Range(1, 40).Select(number => number == 13 ? "[13]" : $"\"{new string('a', number)}\"");
        var tickets = inputs.Select(input => $$"""{"user_id":"{{user}}","model":"count","input":{{input}}}""");

        var created = await api.PostAsync("/v1/tickets/batch", $$"""{"tickets":[{{string.Join(',', tickets)}}]}""");

        var ends = await Task.WhenAll(created.Results.Select(result => api.FinishAsync((string)result!["ticket"]!["id"]!)));
        Assert.Equal("The input is no text", (string?)ends[12].Json["error"]!["message"]);
        var answered = ends.Index().Where(end => end.Index != 12).ToArray();
        Assert.All(answered, end => Assert.Equal(end.Index + 1, (int)end.Item.Json["response"]!["vowel"]!));
        Assert.Contains(answered, end => (int)end.Item.Json["response_details"]!["batch"]! > 1);
        Assert.Equal(0, await worker.StopAsync());
    }

    [Fact]
    public async Task The_author_of_a_schema_that_the_API_cannot_use_is_told_and_tickets_run()
    {
        const string code =
            """
            from ticketapp_worker import model, run

            @model("anchored", description="Answers yes", input_schema={"$anchor": "a"})
            def predict(input, progress):
                return "yes"

            run()
            """;
        await using var worker = Worker("localhost", code);

        await worker.StartAsync();

        const string reason = "The input schema of the model anchored is not used, and inputs are not checked: $anchor";
        await Eventually.IsTrueAsync("The reason", _limit, () =>
            worker.Output.Any(line => line.Contains(reason, StringComparison.Ordinal)));
        Assert.Equal("yes", await app.FinishAsync(await app.CreateTicketAsync(await app.CreateUserAsync(), "anchored", "7")));
        Assert.Equal(0, await worker.StopAsync());
    }

    /// <summary>A worker that runs an example, or code.</summary>
    private ChildProcess Worker(string host, string program = "shout.py", params (string Name, string Value)[] more)
    {
        Assert.SkipUnless(ConformanceWorker.HasPika || !AppAvailability.MaySkip, "Python has no pika: run ./ticketapp setup.");
        var account = app.WorkerBroker.UserInfo;
        var port = app.BrokerTlsPort.ToString(CultureInfo.InvariantCulture);
        var settings = ConformanceWorker.Settings(new($"amqps://{account}@{host}:{port}?cacertfile={app.Authority.RootFile}"));
        // What the example says counts.
        settings.Remove("Worker__Concurrency");
        foreach (var (name, value) in more)
        {
            settings[name] = value;
        }

        var command = program.Contains('\n', StringComparison.Ordinal)
            ? [PythonWorkers.Interpreter(null), "-c", program]
            : ConformanceWorker.Python(program).Command;
        return new("python", command, settings, () => Task.FromResult(true));
    }
}
