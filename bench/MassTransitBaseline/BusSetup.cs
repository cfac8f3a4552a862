using MassTransit;

namespace MassTransitBaseline;

/// <summary>Quorum queues, confirmed publishes (MassTransit's default, in batches), and prefetch well above the concurrency.</summary>
internal static class BusSetup
{
    private const int WorkerConcurrency = 100;
    private const int BatchLimit = 200;
    private const int BatchesAtOnce = 4;

    // A batch goes when it is full or this old: short, since every ticket waits for it.
    private static readonly TimeSpan _batchAge = TimeSpan.FromMilliseconds(5);

    public static void AddApiBus(this WebApplicationBuilder builder) => builder.Services.AddMassTransit(bus =>
    {
        // It would call home otherwise.
        bus.DisableUsageTelemetry();
        bus.AddConsumer<AnswersConsumer>(consumer => consumer.Options<BatchOptions>(batch => batch
            .SetMessageLimit(BatchLimit)
            .SetTimeLimit(_batchAge)
            .SetConcurrencyLimit(BatchesAtOnce)));
        bus.UsingRabbitMq((context, rabbit) =>
        {
            rabbit.Host(new Uri(builder.Configuration.GetConnectionString("rabbitmq")!));
            rabbit.ReceiveEndpoint(Queues.Responses, endpoint =>
            {
                endpoint.SetQuorumQueue();
                endpoint.ConfigureConsumeTopology = false;
                endpoint.PrefetchCount = BatchLimit * BatchesAtOnce * 2;
                endpoint.ConfigureConsumer<AnswersConsumer>(context);
            });
        });
    });

    public static void AddWorkerBus(this WebApplicationBuilder builder) => builder.Services.AddMassTransit(bus =>
    {
        bus.DisableUsageTelemetry();
        bus.AddConsumer<TicketConsumer>();
        bus.UsingRabbitMq((context, rabbit) =>
        {
            rabbit.Host(new Uri(builder.Configuration.GetConnectionString("rabbitmq")!));
            rabbit.ReceiveEndpoint(Queues.Tickets, endpoint =>
            {
                endpoint.SetQuorumQueue();
                endpoint.ConfigureConsumeTopology = false;
                endpoint.PrefetchCount = WorkerConcurrency * 2;
                endpoint.ConcurrentMessageLimit = WorkerConcurrency;
                endpoint.ConfigureConsumer<TicketConsumer>(context);
            });
        });
    });
}
