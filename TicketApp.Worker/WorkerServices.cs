using Microsoft.Extensions.Options;
using TicketApp.Contracts.Broker;
using TicketApp.Worker.Models;
using TicketApp.Worker.Runs;

namespace TicketApp.Worker;

internal static class WorkerServices
{
    private const int MostThreadsAtOnce = 512;
    private static readonly TimeSpan _stopReserve = TimeSpan.FromSeconds(15);

    /// <summary>Adds the consumer of tickets and what reports their runs. Services stop in reverse: reports go out after the last run.</summary>
    public static IServiceCollection AddTicketRuns(this IServiceCollection services)
    {
        services.AddOptions<WorkerOptions>().BindConfiguration(WorkerOptions.SectionName).ValidateOnStart();
        services.AddOptions<HostOptions>().Configure<IOptions<WorkerOptions>>((host, worker) => host.ShutdownTimeout = 2 * worker.Value.DrainTimeout + _stopReserve);
        // The pool adds threads at once up to this number and one or two a second above it. With a thread for each slot, models that
        // block theirs leave some for heartbeats, and a busy worker does not look like a dead one.
        services.AddOptions<WorkerOptions>().PostConfigure(worker =>
            ThreadPool.SetMinThreads(Math.Min(worker.Concurrency, MostThreadsAtOnce) + (2 * Environment.ProcessorCount), Environment.ProcessorCount));
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
