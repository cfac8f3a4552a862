using System.Text;
using RabbitMQ.Client;
using TicketApp.Messaging.Broker;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Messaging;

/// <summary>What is removed from the queue <c>errors</c> when a user is erased.</summary>
[Collection(AppCollection.Name)]
public sealed class QueueEraserTests(AppFixture app)
{
    private const string User = "00000000-0000-7000-8000-000000000005";
    private const string Other = "00000000-0000-7000-8000-000000000006";

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Of_the_queue_errors_the_users_messages_go_and_all_others_stay_as_they_were()
    {
        const int Others = 3000;
        ConnectionFactory factory = new() { Uri = app.Broker };
        await using var connection = await factory.CreateConnectionAsync(Cancel);
        await using var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), Cancel);
        var queue = await DeclareQueueAsync(channel);
        var unreadable = Convert.ToBase64String([0xff, .. Encoding.UTF8.GetBytes($$"""{"user_id":"{{User}}","response":"…""")]);
        string[] ofTheUser =
        [
            $$"""{"ticket_id":"{{Guid.NewGuid()}}","user_id":"{{User}}","message":"no","reason":"model_error"}""",
            $$"""{"message":"no","reason":"unreadable","body":"[{\"user_id\":\"{{User}}\"","body_encoding":"utf-8"}""",
            $$"""{"message":"no","reason":"unreadable","body":"{{unreadable}}","body_encoding":"base64"}""",
        ];
        var others = Enumerable.Range(0, Others).Select(i => $$"""{"user_id":"{{Other}}","message":"{{i}}"}""").ToArray();
        string[] all = [.. others[..1000], ofTheUser[0], .. others[1000..2000], .. ofTheUser[1..], .. others[2000..]];
        await Task.WhenAll(all.Select(message =>
            channel.BasicPublishAsync("", queue, Encoding.UTF8.GetBytes(message), Cancel).AsTask()));

        Assert.Equal(3, await new QueueEraser(factory).RemoveAsync(queue, [Guid.NewGuid(), Guid.Parse(User)], () => { }, Cancel));
        Assert.Equal(0, await new QueueEraser(factory).RemoveAsync(queue, [Guid.Parse(User)], () => { }, Cancel));

        var left = new List<string>();
        await Eventually.IsTrueAsync("All others are there", _limit, async () =>
        {
            while (await channel.BasicGetAsync(queue, autoAck: true, Cancel) is { } message)
            {
                left.Add(Encoding.UTF8.GetString(message.Body.Span));
            }

            return left.Count >= Others;
        });
        Assert.Equal(others, left);
        await channel.QueueDeleteAsync(queue, cancellationToken: Cancel);
    }

    [Fact]
    public async Task Large_messages_in_errors_are_read_to_the_end_though_another_reader_holds_one()
    {
        const int Large = 60, Length = 1_000_000;
        ConnectionFactory factory = new() { Uri = app.Broker };
        await using var connection = await factory.CreateConnectionAsync(Cancel);
        await using var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), Cancel);
        var queue = await DeclareQueueAsync(channel);
        for (var i = 0; i < Large; i++)
        {
            // All that looks like an id, and the user's own at the very end of each third one.
            var end = i % 3 == 0 ? User.ToUpperInvariant() : Other;
            await channel.BasicPublishAsync("", queue, Encoding.UTF8.GetBytes($"{new string('-', Length)}{end}"), Cancel);
        }

        // A consumer that holds a message keeps nothing from being read.
        await using var holder = await connection.CreateChannelAsync(cancellationToken: Cancel);
        Assert.NotNull(await holder.BasicGetAsync(queue, autoAck: false, Cancel));
        Assert.Equal(Large / 3 - 1, await new QueueEraser(factory).RemoveAsync(queue, [Guid.Parse(User)], () => { }, Cancel));
        await holder.CloseAsync(Cancel);
        // The broker answers before it has put back what the channel held.
        await HasAsync(Large * 2 / 3 + 1);
        Assert.Equal(1, await new QueueEraser(factory).RemoveAsync(queue, [Guid.Parse(User)], () => { }, Cancel));

        await HasAsync(Large * 2 / 3);
        await channel.QueueDeleteAsync(queue, cancellationToken: Cancel);

        Task HasAsync(int messages) => Eventually.IsTrueAsync($"{messages} are there", _limit, async () =>
            (await channel.QueueDeclarePassiveAsync(queue, Cancel)).MessageCount == messages);
    }

    /// <summary>A broker without the policy: what is read is in memory until all is.</summary>
    [Fact]
    public async Task A_queue_that_is_larger_than_its_bound_is_read_no_further_and_the_reason_is_told()
    {
        const int Count = 140;
        ConnectionFactory factory = new() { Uri = app.Broker };
        await using var connection = await factory.CreateConnectionAsync(Cancel);
        await using var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), Cancel);
        var queue = await DeclareQueueAsync(channel);
        for (var i = 0; i < Count; i++)
        {
            await channel.BasicPublishAsync("", queue, new byte[1_000_000], Cancel);
        }

        var error = await Assert.ThrowsAsync<BrokerUnavailableException>(() =>
            new QueueEraser(factory).RemoveAsync(queue, [Guid.Parse(User)], () => { }, Cancel));

        Assert.Contains("max-length-bytes", error.Message, StringComparison.Ordinal);
        await Eventually.IsTrueAsync("All are there", _limit, async () =>
            (await channel.QueueDeclarePassiveAsync(queue, Cancel)).MessageCount == Count);
        await channel.QueueDeleteAsync(queue, cancellationToken: Cancel);
    }

    /// <returns>The name of a new queue of the kind of <c>errors</c>.</returns>
    private static async Task<string> DeclareQueueAsync(IChannel channel)
    {
        var queue = $"errors-{Guid.NewGuid():N}";
        Dictionary<string, object?> quorum = new() { ["x-queue-type"] = "quorum" };
        await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, quorum, cancellationToken: Cancel);
        return queue;
    }
}
