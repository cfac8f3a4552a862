using System.Text.Json.Nodes;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Accounts;

/// <summary>What a worker's account may take of the broker.</summary>
[Collection(AppCollection.Name)]
public sealed class BrokerLimitTests(AppFixture app)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("errors", "^errors$")]
    [InlineData("workers", "^amq[.]gen-")]
    public void A_queue_that_a_worker_fills_is_bounded_in_bytes(string name, string pattern)
    {
        var policy = BrokerAccountTests.Accounts()["policies"]!.AsArray().Single(policy => (string?)policy!["name"] == name)!;

        Assert.Equal(("/", pattern, "queues"), ((string?)policy["vhost"], (string?)policy["pattern"], (string?)policy["apply-to"]));
        Assert.InRange((long)policy["definition"]!["max-length-bytes"]!, 1, 64 * 1024 * 1024);
    }

    /// <summary>At a server with the file's bounds, of which each is lowered to what a test reaches.</summary>
    [Fact]
    public async Task A_worker_takes_no_connection_from_the_api_and_makes_so_many_queues_which_go_when_nobody_uses_them()
    {
        // Refuses the test where no broker runs.
        _ = app.Broker;
        // A thousand workers with several models need less.
        var bounds = BrokerAccountTests.Accounts();
        Assert.InRange((int)Lower(Of(bounds, "worker")["limits"]!, "max-connections", 2), 2000, 5000);
        Assert.InRange((int)Lower(Of(bounds, "worker")["limits"]!, "max-channels", 3), 8000, 20_000);
        Assert.InRange((int)Lower(Assert.Single(bounds["parameters"]!.AsArray())!["value"]!, "max-queues", 2), 3000, 10_000);
        var workers = bounds["policies"]!.AsArray().Single(policy => (string?)policy!["name"] == "workers")!;
        Assert.InRange((int)Lower(workers["definition"]!, "expires", 2000), 1000, 600_000);
        var directory = AppProcesses.CreateDirectory();
        try
        {
            foreach (var file in (string[])["rabbitmq", "server"])
            {
                File.Copy(AppProcesses.ScriptOf(file), Path.Combine(directory.FullName, $"{file}.sh"));
            }

            await TakeAllAsync(directory.FullName);
        }
        finally
        {
            directory.Delete(recursive: true);
        }

        async Task TakeAllAsync(string folder)
        {
            var script = Path.Combine(folder, "rabbitmq.sh");
            await File.WriteAllTextAsync(AppProcesses.AccountsOf(script), bounds.ToString(), Cancel);
            Uri server = new($"amqp://tests:secret@127.0.0.1:{AppProcesses.NextPort()}");
            await using var broker = AppProcesses.RabbitMq(folder, server, script: script);
            await broker.StartAsync();
            var thief = AppProcesses.As("worker", server);

            // The broker counts a moment later, so that a few more come in between.
            await using (var first = await BrokerAccountTests.ConnectAsync(thief))
            {
                List<IConnection> others = [];
                await UntilRefusedAsync(async () =>
                {
                    // A refused connection is closed once it is there.
                    others.Add(await BrokerAccountTests.ConnectAsync(thief));
                    await others[^1].CreateChannelAsync(cancellationToken: Cancel);
                });
                await using var api = await BrokerAccountTests.ConnectAsync(AppProcesses.As("ticketapp", server));
                var channel = await first.CreateChannelAsync(cancellationToken: Cancel);
                await UntilRefusedAsync(() => LastingAsync(channel));
                await UntilRefusedAsync(() => first.CreateChannelAsync(cancellationToken: Cancel));
                Assert.True(api.IsOpen);
                foreach (var other in others)
                {
                    await other.DisposeAsync();
                }
            }

            // Nobody uses them.
            await Eventually.IsTrueAsync("The queues are gone", _limit, async () =>
            {
                try
                {
                    await using var later = await BrokerAccountTests.ConnectAsync(thief);
                    await using var channel = await later.CreateChannelAsync(cancellationToken: Cancel);
                    await LastingAsync(channel);
                    return true;
                }
                catch (Exception exception) when (IsLimit(exception))
                {
                    return false;
                }
            });
        }

        static Task UntilRefusedAsync(Func<Task> deed) => Eventually.IsTrueAsync("It is refused", _limit, async () =>
        {
            try
            {
                await deed();
                return false;
            }
            catch (Exception exception) when (IsLimit(exception))
            {
                return true;
            }
        });

        static bool IsLimit(Exception exception) => (exception is OperationInterruptedException or BrokerUnreachableException)
            && exception.ToString().Contains("limit", StringComparison.Ordinal);

        static JsonNode Of(JsonNode bounds, string user) => bounds["users"]!.AsArray().Single(one => (string?)one!["name"] == user)!;

        static JsonNode Lower(JsonNode bounds, string name, int value)
        {
            var bound = bounds[name]!;
            bounds[name] = value;
            return bound;
        }

        static Task LastingAsync(IChannel channel) =>
            channel.QueueDeclareAsync("", durable: true, exclusive: false, autoDelete: false, cancellationToken: Cancel);
    }
}
