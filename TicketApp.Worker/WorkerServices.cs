using Microsoft.Extensions.Options;
using TicketApp.Contracts.Broker;
using TicketApp.Worker.Runs;

namespace TicketApp.Worker;

internal static class WorkerServices
{
    private static readonly TimeSpan _stopReserve = TimeSpan.FromSeconds(15);

    /// <summary>Adds the consumer of tickets and what reports their runs. Services stop in reverse: reports go out after the last run.</summary>
    public static IServiceCollection AddTicketRuns(this IServiceCollection services)
    {
        services.AddOptions<WorkerOptions>().BindConfiguration(WorkerOptions.SectionName).ValidateOnStart();
        services.AddOptions<HostOptions>().Configure<IOptions<WorkerOptions>>((host, worker) => host.ShutdownTimeout = 2 * worker.Value.DrainTimeout + _stopReserve);
        return services
            .AddSingleton<IValidateOptions<WorkerOptions>, WorkerOptionsValidator>()
            .AddSingleton(TimeProvider.System)
            .AddSingleton<WorkerIdentity>()
            .AddSingleton<RunsInHand>()
            .AddSingleton<RunMetrics>()
            .AddSingleton<RunEnds>()
            .AddSingleton<AbandonedRuns>()
            .AddSingleton<ModelRunners>()
            .AddSingleton<StopNotices>()
            .AddSingleton<ServedModels>()
            .AddHostedService(provider => provider.GetRequiredService<ServedModels>())
            .AddSingleton<Reporter>()
            .AddHostedService(provider => provider.GetRequiredService<Reporter>())
            .AddHostedService<Heartbeats>()
            .AddBrokerLoop<TicketsConsumer>();
    }
}
