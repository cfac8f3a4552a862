using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using RabbitMQ.Client;
using TicketApp.Api.Storage;
using TicketApp.Messaging.Broker;
using TicketApp.ServiceDefaults;

namespace TicketApp.Tests.Fixtures;

/// <summary>What a loop of the API needs to run by itself: a publisher at a running application's broker, and a scratch database.</summary>
internal sealed class ScratchReplica : IAsyncDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    private readonly Stack<BackgroundService> _started = [];

    public ScratchReplica(AppFixture app, ScratchDatabase database)
    {
        Publisher = new(new ConnectionFactory { Uri = app.ApiBroker }, Progress, NullLogger<BrokerPublisher>.Instance);
        Migrator = new(database.Source, Progress, NullLogger<DatabaseMigrator>.Instance);
    }

    public LoopProgress Progress { get; } = new(TimeProvider.System);

    public BrokerPublisher Publisher { get; }

    public DatabaseMigrator Migrator { get; }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Starts these after what they need. They are stopped and disposed of at the end.</summary>
    public async Task StartAsync(params BackgroundService[] loops)
    {
        foreach (var service in (BackgroundService[])[Publisher, Migrator, .. loops])
        {
            _started.Push(service);
            await service.StartAsync(Cancel);
        }

        await Eventually.IsTrueAsync("The publisher is ready", _limit, () => Publisher.IsReady);
    }

    public async ValueTask DisposeAsync()
    {
        while (_started.TryPop(out var service))
        {
            await service.StopAsync(CancellationToken.None);
            service.Dispose();
        }

        Publisher.Dispose();
        Migrator.Dispose();
    }
}
