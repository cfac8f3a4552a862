using Microsoft.Extensions.Options;
using TicketApp.Contracts.Broker;
using TicketApp.Worker.Models;
using TicketApp.Worker.Runs;

namespace TicketApp.Worker;

internal static class WorkerServices
{
    private static readonly TimeSpan StopReserve = TimeSpan.FromSeconds(15);

    /// <summary>Adds the consumer of tickets and what reports their runs. Services stop in reverse: reports go out after the last run.</summary>
    public static IServiceCollection AddTicketRuns(this IServiceCollection services)
    {
        services.AddOptions<WorkerOptions>().BindConfiguration(WorkerOptions.SectionName).ValidateOnStart();
        services.AddOptions<HostOptions>().Configure<IOptions<WorkerOptions>>((host, worker) => host.ShutdownTimeout = 2 * worker.Value.DrainTimeout + StopReserve);
        return services
            .AddSingleton<IValidateOptions<WorkerOptions>, WorkerOptionsValidator>()
            .AddSingleton(TimeProvider.System)
            .AddSingleton<WorkerIdentity>()
            .AddSingleton<RunsInHand>()
            .AddSingleton<Reporter>()
            .AddHostedService(provider => provider.GetRequiredService<Reporter>())
            .AddHostedService<Heartbeats>()
            .AddBrokerLoop<TicketsConsumer>();
    }

    /// <summary>Adds the models that this worker can run.</summary>
    public static IServiceCollection AddModels(this IServiceCollection services)
    {
        services.AddOptions<SimulatorOptions>().BindConfiguration(SimulatorOptions.SectionName).ValidateOnStart();
        return services
            .AddSingleton<IValidateOptions<SimulatorOptions>, SimulatorOptionsValidator>()
            .AddSingleton<IModel, SimulatedModel>();
    }
}
