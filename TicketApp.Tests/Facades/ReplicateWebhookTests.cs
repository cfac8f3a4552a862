using System.Text.Json.Nodes;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Facades;

/// <summary>Webhooks of predictions.</summary>
[Collection(AppCollection.Name)]
public sealed class ReplicateWebhookTests(AppFixture app) : ReplicateCaller(app)
{
    [Fact]
    public async Task A_webhook_tells_of_the_start_and_the_end_and_leaves_out_what_is_too_large()
    {
        ScriptedModel model = new();
        await using var worker = await TestWorker.StartAsync(App, model);
        await using var receiver = await WebhookReceiver.StartAsync();
        var large = new string('x', 20_000);

        var webhook = $"\"webhook\":\"{receiver.Url}\",\"webhook_events_filter\":[\"start\",\"completed\"]";
        var created = await CreateAsync($$"""{"input":{"gate":"end","pieces":["{{large}}"]},{{webhook}} }""", model);
        await receiver.WaitAsync(1);
        await CreateAsync("""{"input":{"open":"end"}}""", model);
        var received = (await receiver.WaitAsync(2)).Select(webhook => JsonNode.Parse(webhook.Body)!).ToArray();

        Assert.Equal(["processing", "succeeded"], received.Select(prediction => (string?)prediction["status"]));
        Assert.All(received, prediction =>
        {
            Assert.Equal((string?)created.Json["urls"]!["stream"], (string?)prediction["urls"]!["stream"]);
            Assert.True((bool)prediction["data_removed"]!);
            Assert.Null(prediction["output"]);
            Assert.Empty(prediction["input"]!.AsObject());
        });
        Assert.Equal(large, (string?)(await Api.GetAsync($"{Predictions}/{created.Id}")).Json["output"]);
        var deliveries = await Api.GetAsync($"/v1/tickets/{created.Id}/deliveries");
        Assert.Equal(["ticket.finished", "ticket.started"], deliveries.Results.Select(delivery => (string?)delivery!["type"]));
    }

    [Fact]
    public async Task A_webhook_that_wants_only_what_is_not_sent_gets_nothing()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        var created = await CreateAsync(
            $$"""{"input":{},"webhook":"{{receiver.Url}}","webhook_events_filter":["output","logs"]}""");

        await FinishAsync(created.Id);

        Assert.Empty((await Api.GetAsync($"/v1/tickets/{created.Id}/deliveries")).Results);
    }
}
