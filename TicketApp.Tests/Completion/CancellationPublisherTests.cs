using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using TicketApp.Api.Completion;
using TicketApp.Api.Dispatch;
using TicketApp.Messaging;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Completion;

/// <summary>How often workers are told which runs are not wanted.</summary>
[Collection(AppCollection.Name)]
public sealed class CancellationPublisherTests(AppFixture app)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_run_is_told_as_long_as_it_is_asked_for_and_a_canceled_ticket_until_it_has_ended()
    {
        await using var ticket = await ScratchTicket.CreateAsync(app);
        var running = await ticket.StartAsync();
        await ticket.SetAsync("status = 'canceling'");
        RunReference canceling = new(running.TicketId, running.Epoch);
        await using var connection = await new ConnectionFactory { Uri = app.Broker }.CreateConnectionAsync(Cancel);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Cancel);
        var notices = await ListenAsync(channel);
        await using ScratchReplica replica = new(app, ticket.Database);
        CancellationPublisher publisher = new(
            ticket.Database.Source, replica.Publisher, replica.Migrator, replica.Progress, Options.Create(new DispatchOptions()),
            NullLogger<CancellationPublisher>.Instance);
        // Before it runs: what cannot be said yet is not forgotten.
        RunReference once = new(Guid.CreateVersion7(), 1);
        RunReference repeated = new(Guid.CreateVersion7(), 2);
        publisher.Stop([once], repeatFor: TimeSpan.Zero);
        publisher.Stop([repeated], repeatFor: TimeSpan.FromSeconds(3));
        await replica.StartAsync(publisher);

        await Eventually.IsTrueAsync("It is said again", _limit, () => Count(repeated) >= 2 && Count(canceling) >= 2);
        // Until it is not: three notices of the other without it.
        await Eventually.IsTrueAsync("It is said no more", _limit, () =>
            notices.TakeLast(3).All(notice => notice.Runs.Contains(canceling) && !notice.Runs.Contains(repeated)));
        Assert.Equal(1, Count(once));
        Assert.All(notices, notice => Assert.Equal(30, notice.RememberSeconds));

        int Count(RunReference run) => notices.Count(notice => notice.Runs.Contains(run));

        // Of the application that runs beside this one, none is about these.
        async Task<ConcurrentQueue<CancellationMessage>> ListenAsync(IChannel channel)
        {
            ConcurrentQueue<CancellationMessage> heard = [];
            var queue = await channel.QueueDeclareAsync("", durable: false, exclusive: true, autoDelete: true, cancellationToken: Cancel);
            await channel.QueueBindAsync(queue.QueueName, QueueNames.Control, "", cancellationToken: Cancel);
            AsyncEventingBasicConsumer consumer = new(channel);
            consumer.ReceivedAsync += (_, message) =>
            {
                var notice = JsonSerializer.Deserialize(message.Body.Span, ContractJson.Default.CancellationMessage)!;
                if (notice.Runs.Contains(canceling))
                {
                    heard.Enqueue(notice);
                }

                return Task.CompletedTask;
            };
            await channel.BasicConsumeAsync(queue.QueueName, autoAck: true, consumer, Cancel);
            return heard;
        }
    }
}
