using Microsoft.Extensions.Options;
using TicketApp.Messaging.Broker;
using TicketApp.Worker.Runs;

namespace TicketApp.Worker;

internal static class WorkerServices
{
    /// <summary>Adds the consumer of tickets and what reports their runs.</summary>
    public static IServiceCollection AddTicketRuns(this IServiceCollection services)
    {
        services.AddOptions<WorkerOptions>().BindConfiguration(WorkerOptions.SectionName).ValidateOnStart();
        return services
            .AddSingleton<IValidateOptions<WorkerOptions>, WorkerOptionsValidator>()
            .AddSingleton(TimeProvider.System)
            .AddSingleton<WorkerIdentity>()
            .AddSingleton<ActiveRuns>()
            .AddSingleton<RunMetrics>()
            .AddSingleton<RunEnds>()
            .AddSingleton<StuckRuns>()
            .AddSingleton<ModelRunners>()
            .AddSingleton<CancellationListener>()
            .AddSingleton<ServedModels>()
            .AddHostedService(provider => provider.GetRequiredService<ServedModels>())
            .AddSingleton<Reporter>()
            .AddHostedService(provider => provider.GetRequiredService<Reporter>())
            .AddHostedService<Heartbeats>()
            .AddBrokerLoop<TicketsConsumer>();
    }
}
