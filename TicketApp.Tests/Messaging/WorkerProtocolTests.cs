using System.Net;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Messaging;

/// <summary>The API's side of docs/worker-protocol.md: what it sends is as the schemas say, to a worker that knows nothing else.</summary>
[Collection(AppCollection.Name)]
public sealed class WorkerProtocolTests(AppFixture app)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_worker_that_follows_the_page_serves_tickets_and_hears_what_is_not_wanted()
    {
        var model = $"by-hand-{Guid.NewGuid():N}";
        await using var connection = await new ConnectionFactory { Uri = app.WorkerBroker }.CreateConnectionAsync(Cancel);
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true), Cancel);
        var own = await channel.QueueDeclareAsync("", durable: false, exclusive: true, autoDelete: true, cancellationToken: Cancel);
        await channel.QueueBindAsync(own.QueueName, "control", "", cancellationToken: Cancel);
        var notices = await ConsumeAsync(channel, own.QueueName);
        await ReportAsync(channel, $$"""
            {"type":"heartbeat","worker":"{{model}}","added":1,"runs":[],"models":[{"name":"{{model}}","description":"By hand","slots":9,
            "max_input_characters":99,"largest_batch":1,"added":1}]}
            """);
        ResourceClient api = new(app.Api);
        await Eventually.IsTrueAsync("The model", _limit, async () =>
            (await api.GetAsync($"/v1/models/{model}")).Status == HttpStatusCode.OK);
        var user = await app.CreateUserAsync();
        var answered = await app.CreateTicketAsync(user, model, "a question");
        // A queue is there a moment before it can be consumed.
        await Eventually.IsTrueAsync("The queue with a message", _limit, () => HasMessageAsync(connection, $"tickets.{model}"));
        var messages = await ConsumeAsync(channel, $"tickets.{model}");

        var ticket = await TicketAsync(messages);
        Assert.Equal(("a question", 1), (ticket.GetProperty("input").GetString(), ticket.GetProperty("epoch").GetInt32()));
        await ReportAsync(channel, $$"""
            [{"type":"progress",{{Ids(ticket)}},"sequence":1,"fraction":0.5,"text":"an","added":1},
             {{{Ids(ticket)}},"response":"an answer","details":{"p":1},"run_milliseconds":3,"added":1}]
            """);
        Assert.Equal("an answer", await app.FinishAsync(answered));

        var failed = await app.CreateTicketAsync(user, model, "a question");
        ticket = await TicketAsync(messages);
        await ReportAsync(channel, $$"""{"type":"failed",{{Ids(ticket)}},"error_type":"of-mine","error_message":"no","is_final":true}""");
        Assert.Empty(ContractSchemas.Error.Defects(Encoding.UTF8.GetBytes(await app.Errors.OfAsync(failed))));

        var unwanted = await app.CreateTicketAsync(user, model, "a question");
        ticket = await TicketAsync(messages);
        await ReportAsync(channel, $$"""{"type":"started",{{Ids(ticket)}},"execution_timeout_milliseconds":60000}""");
        await Eventually.IsTrueAsync("It runs", _limit, async () =>
            (await api.GetAsync($"/v1/tickets/{unwanted}")).TicketStatus == "running");
        Assert.Equal("canceling", (await api.PostAsync($"/v1/tickets/{unwanted}/cancel", null)).TicketStatus);
        await NoticeAsync(notices, unwanted);
        await ReportAsync(channel, $$"""{"type":"returned",{{Ids(ticket)}}}""");
        Assert.Equal("canceled", (await api.FinishAsync(unwanted)).TicketStatus);

        string Ids(JsonElement of) =>
            $"\"worker\":\"{model}\",\"ticket_id\":{of.GetProperty("ticket_id").GetRawText()}," +
            $"\"user_id\":{of.GetProperty("user_id").GetRawText()},\"epoch\":{of.GetProperty("epoch").GetRawText()}";
    }

    private static async Task ReportAsync(IChannel channel, string report) => await channel.BasicPublishAsync(
        "reports", "responses", mandatory: true, Encoding.UTF8.GetBytes(report), Cancel);

    private static async Task<ChannelReader<byte[]>> ConsumeAsync(IChannel channel, string queue)
    {
        var messages = Channel.CreateUnbounded<byte[]>();
        AsyncEventingBasicConsumer consumer = new(channel);
        consumer.ReceivedAsync += (_, message) =>
        {
            messages.Writer.TryWrite(message.Body.ToArray());
            return Task.CompletedTask;
        };
        await channel.BasicConsumeAsync(queue, autoAck: true, consumer, Cancel);
        return messages.Reader;
    }

    private static async Task<JsonElement> TicketAsync(ChannelReader<byte[]> messages)
    {
        var body = await messages.ReadAsync(Cancel).AsTask().WaitAsync(_limit, Cancel);
        Assert.Empty(ContractSchemas.Ticket.Defects(body));
        return JsonElement.Parse(body);
    }

    /// <summary>Others cancel tickets too: all notices are as the schema says, and one of them is about that ticket.</summary>
    private static async Task NoticeAsync(ChannelReader<byte[]> notices, string ticketId)
    {
        while (true)
        {
            var body = await notices.ReadAsync(Cancel).AsTask().WaitAsync(_limit, Cancel);
            Assert.Empty(ContractSchemas.Cancellation.Defects(body));
            if (Encoding.UTF8.GetString(body).Contains(ticketId, StringComparison.Ordinal))
            {
                return;
            }
        }
    }

    private static async Task<bool> HasMessageAsync(IConnection connection, string queue)
    {
        // An error ends the channel.
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Cancel);
        try
        {
            return (await channel.QueueDeclarePassiveAsync(queue, Cancel)).MessageCount > 0;
        }
        catch (OperationInterruptedException)
        {
            return false;
        }
    }
}
