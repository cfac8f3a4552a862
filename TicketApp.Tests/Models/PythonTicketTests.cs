using System.Globalization;
using TicketApp.Tests.Conformance;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Models;

/// <summary>The example in Python, in the running application.</summary>
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

        var ticket = await app.CreateTicketAsync(await app.CreateUserAsync(), "shout", string.Join(' ', Enumerable.Repeat("grüß", 20)));

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

    private ChildProcess Worker(string host)
    {
        Assert.SkipUnless(ConformanceWorker.HasPika || !AppAvailability.MaySkip, "Python has no pika: run ./ticketapp setup.");
        var account = app.WorkerBroker.UserInfo;
        var port = app.BrokerTlsPort.ToString(CultureInfo.InvariantCulture);
        var settings = ConformanceWorker.Settings(new($"amqps://{account}@{host}:{port}?cacertfile={app.Authority.RootFile}"));
        return new("python", ConformanceWorker.Python("shout.py").Command, settings, () => Task.FromResult(true));
    }
}
