using JasperFx.CodeGeneration;
using Npgsql;
using Wolverine;
using Wolverine.EntityFrameworkCore;
using Wolverine.ErrorHandling;
using Wolverine.Postgresql;
using Wolverine.RabbitMQ;
using Wolverine.Transports;

namespace WolverineBaseline;

/// <summary>Quorum queues, confirmed publishes, and prefetch well above the concurrency.</summary>
internal static class MessagingSetup
{
    private const int WorkerConcurrency = 100;
    private const int BatchLimit = 200;
    private const int BatchesAtOnce = 4;

    // A batch goes when it is full or this old: short, since every ticket waits for it.
    private static readonly TimeSpan _batchAge = TimeSpan.FromMilliseconds(5);

    private static readonly TimeSpan[] _retries = [TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5)];

    /// <summary>What both roles have in common.</summary>
    public static void UseBroker(this WolverineOptions options, string address)
    {
        options.CodeGeneration.TypeLoadMode = TypeLoadMode.Static;
        options.Discovery.DisableConventionalDiscovery();
        options.Policies.DisableConventionalLocalRouting();
        options.OnAnyException().RetryWithCooldown(_retries);
        options.UseRabbitMq(new Uri(address))
            .UseQuorumQueues()
            .AutoProvision()
            .DisableSystemRequestReplyQueueDeclaration()
            .ConfigureChannelCreation(channel =>
            {
                channel.PublisherConfirmationsEnabled = true;
                channel.PublisherConfirmationTrackingEnabled = true;
            });
    }

    /// <summary>Tickets go through the outbox, answers come through the inbox: both are in the database of the tickets.</summary>
    public static void UseApi(this WolverineOptions options, NpgsqlDataSource database)
    {
        options.Discovery.IncludeType(typeof(AnswersHandler));
        options.PersistMessagesWithPostgresql(database, DatabaseSetup.MessagesSchema);
        options.UseEntityFrameworkCoreTransactions();
        options.Durability.DurabilityMetricsEnabled = false;
        options.PublishMessage<TicketRequested>().ToRabbitQueue(Queues.Tickets).UseDurableOutbox();
        options.ListenToRabbitQueue(Queues.Responses)
            .UseDurableInbox(new BufferingLimits(Maximum: 20_000, Restart: 10_000))
            .MaximumMessagesToReceive(BatchLimit)
            .PreFetchCount(BatchLimit * BatchesAtOnce * 2);
        options.BatchMessagesOf<TicketAnswered>(batching => (batching.BatchSize, batching.TriggerTime) = (BatchLimit, _batchAge))
            .MaximumParallelMessages(BatchesAtOnce);
    }

    /// <summary>
    /// No database: a request is acknowledged once the broker has confirmed its answer, and comes again if the worker ends before that.
    /// </summary>
    public static void UseWorker(this WolverineOptions options)
    {
        options.Discovery.IncludeType(typeof(TicketHandler));
        options.Durability.Mode = DurabilityMode.Solo;
        // A send that fails, fails its request; without this the request would be acknowledged and the send repeated beside it.
        options.Durability.UseSyncRetryBlock = true;
        options.ListenToRabbitQueue(Queues.Tickets)
            .ProcessInline()
            .ConsumerDispatchConcurrency(WorkerConcurrency)
            .PreFetchCount(WorkerConcurrency * 2);
        options.PublishMessage<TicketAnswered>().ToRabbitQueue(Queues.Responses).SendInline();
    }
}
