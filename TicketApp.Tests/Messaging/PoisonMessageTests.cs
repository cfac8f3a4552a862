using System.Text;
using System.Text.Json.Nodes;
using Npgsql;
using RabbitMQ.Client;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Messaging;

/// <summary>Messages that nobody sent, and messages that never arrived.</summary>
[Collection(AppCollection.Name)]
public sealed class PoisonMessageTests(AppFixture app)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("tickets")]
    [InlineData("responses")]
    public async Task What_cannot_be_read_goes_to_errors_with_its_body_and_the_reason(string queue)
    {
        var body = $"{{\"poison\":\"{Guid.NewGuid()}\"";
        await PublishAsync(queue, Encoding.UTF8.GetBytes(body));

        var error = await ErrorWithAsync(body);
        Assert.Equal(queue, error["queue"]!.GetValue<string>());
        Assert.Equal("unreadable", error["reason"]!.GetValue<string>());
        Assert.Contains("could not be read", error["message"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_no_text_goes_to_errors_in_Base64()
    {
        byte[] body = [0xFF, .. Guid.NewGuid().ToByteArray()];
        await PublishAsync("responses", body);

        Assert.Equal("base64", (await ErrorWithAsync(Convert.ToBase64String(body)))["body_encoding"]!.GetValue<string>());
    }

    [Fact]
    public async Task Poison_holds_up_nobody()
    {
        foreach (var queue in new[] { "tickets", "responses" })
        {
            for (var i = 0; i < 20; i++)
            {
                await PublishAsync(queue, "]["u8.ToArray());
            }
        }

        await app.FinishAsync(await app.CreateTicketAsync(await app.CreateUserAsync()));
    }

    [Fact]
    public async Task A_dispatched_ticket_without_a_message_is_dispatched_again()
    {
        // As after a crash of the Api between the commit and the publish.
        var ticketId = Guid.CreateVersion7();
        await using var database = NpgsqlDataSource.Create(app.Database);
        await using var insert = database.CreateCommand(
            $"""
            insert into tickets (ticket_id, user_id, status, attempt, epoch, lease_expires, expires_at, due_at)
            values (
                '{ticketId}', '{await app.CreateUserAsync()}', 'dispatched', 1, 1, now() + interval '1 s',
                now() + interval '5 min', now() + interval '5 min')
            """);
        await insert.ExecuteNonQueryAsync(Cancel);

        Assert.EndsWith("message", await app.FinishAsync(ticketId.ToString()), StringComparison.Ordinal);
    }

    private async Task PublishAsync(string queue, byte[] body)
    {
        await using var connection = await new ConnectionFactory { Uri = app.Broker }.CreateConnectionAsync(Cancel);
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true), Cancel);
        await channel.BasicPublishAsync("", queue, mandatory: true, body, Cancel);
    }

    private Task<JsonObject> ErrorWithAsync(string body) => Eventually.GetAsync("The message in errors", _limit, () =>
    {
        var errors = app.Errors.All.Select(error => JsonNode.Parse(error) as JsonObject);
        return Task.FromResult(errors.FirstOrDefault(error => error?["body"]?.GetValue<string>() == body));
    });
}
