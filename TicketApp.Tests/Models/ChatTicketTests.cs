using System.Net.ServerSentEvents;
using System.Text.Json.Nodes;
using TicketApp.Tests.Fixtures;
using TicketApp.Worker.Models.Endpoints;

namespace TicketApp.Tests.Models;

/// <summary>Tickets for the chat model of a worker of the running application.</summary>
[Collection(AppCollection.Name)]
public sealed class ChatTicketTests(AppFixture app)
{
    private const string Model = "chat";

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private ResourceClient Api => new(app.Api);

    [Fact]
    public async Task Tokens_become_progress_while_the_answer_grows()
    {
        TaskCompletionSource heard = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await ChatServer.StartAsync(async exchange =>
        {
            await exchange.SayAsync("Hel");
            await heard.Task;
            await exchange.AnswerAsync("lo");
        });
        await using var worker = await StartAsync(server);
        var ticket = await CreateAsync("Say hello");

        using HttpRequestMessage request = new(HttpMethod.Get, $"/v1/tickets/{ticket}/events");
        using var response = await app.Api.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
        await using var stream = await response.Content.ReadAsStreamAsync(Cancel);
        var said = "";
        JsonNode? finished = null;
        await foreach (var item in SseParser.Create(stream).EnumerateAsync(Cancel))
        {
            var data = JsonNode.Parse(item.Data)!;
            said += item.EventType == "progress" ? (string?)data["text"] : "";
            finished = item.EventType == "finished" ? data : finished;
            if (said == "Hel")
            {
                // Only now does the endpoint continue: that was told while the run went on.
                heard.TrySetResult();
            }
        }

        Assert.Equal(("succeeded", "Hello"), ((string?)finished?["status"], (string?)finished?["response"]));
        Assert.Equal((11, 7), ((int)finished!["response_details"]!["input_tokens"]!, (int)finished["response_details"]!["output_tokens"]!));
    }

    [Fact]
    public async Task Canceling_a_ticket_closes_the_connection_to_the_endpoint()
    {
        await using var server = await ChatServer.StartAsync(async exchange =>
        {
            await exchange.SayAsync("Once upon a time");
            await exchange.StallAsync();
        });
        await using var worker = await StartAsync(server);
        var ticket = await CreateAsync("Tell me a story");
        await Eventually.IsTrueAsync("The endpoint is asked", _limit, () => server.Exchanges.Count == 1);

        await Api.PostAsync($"/v1/tickets/{ticket}/cancel", null);

        await server.Exchanges[0].Closed.WaitAsync(_limit, Cancel);
        Assert.Equal("canceled", (await Api.FinishAsync(ticket)).TicketStatus);
        Assert.Single(server.Exchanges);
    }

    [Fact]
    public async Task A_busy_endpoint_is_asked_again_and_one_that_refuses_the_key_is_not()
    {
        var isBusy = true;
        await using var server = await ChatServer.StartAsync(exchange =>
        {
            exchange.Response.StatusCode = (string?)exchange.Request["messages"]![0]!["content"] == "refuse" ? 401 : isBusy ? 429 : 200;
            exchange.Response.Headers.RetryAfter = "1";
            isBusy = false;
            return exchange.Response.StatusCode == 200 ? exchange.AnswerAsync("at last") : exchange.WriteAsync("{}");
        });
        await using var worker = await StartAsync(server);

        var busy = await Api.FinishAsync(await CreateAsync("wait"));
        var refused = await Api.FinishAsync(await CreateAsync("refuse"));

        Assert.Equal(("at last", 1), ((string?)busy.Json["response"], (int)busy.Json["attempt"]!));
        var error = refused.Json["error"]!;
        Assert.Equal(("failed", 1, "model_error"), (refused.TicketStatus, (int)refused.Json["attempt"]!, (string?)error["type"]));
        Assert.Contains("refused the key (401)", (string?)error["message"], StringComparison.Ordinal);
        Assert.Equal(3, server.Exchanges.Count);
    }

    private Task<TestWorker> StartAsync(ChatServer server) =>
        TestWorker.StartAsync(
            app,
            Model,
            builder => builder.AddConfiguredModels(),
            ChatHost.Settings(server.Url));

    private async Task<string> CreateAsync(string input) =>
        await app.CreateTicketAsync(await app.CreateUserAsync(), Model, input);
}
