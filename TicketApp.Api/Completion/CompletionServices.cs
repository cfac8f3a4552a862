using TicketApp.Api.Storage;
using TicketApp.Messaging.Broker;

namespace TicketApp.Api.Completion;

internal static class CompletionServices
{
    /// <summary>
    /// Adds what ends tickets: the reports of workers, the rescue of what they left, messages to "errors", and what tells workers to stop a
    /// run.
    /// </summary>
    public static IServiceCollection AddCompletion(this IServiceCollection services) =>
        services
            .AddSingleton<CancellationPublisher>()
            .AddHostedService(provider => provider.GetRequiredService<CancellationPublisher>())
            .AddSingleton<ErrorOutbox>()
            .AddHostedService(provider => provider.GetRequiredService<ErrorOutbox>())
            .AddSingleton<LeaseClock>()
            .AddSingleton<TicketObservers>()
            .AddSingleton<RescueStore>()
            .AddHostedService<Rescuer>()
            .AddSingleton<ProgressStore>()
            .AddHostedService<ProgressPurge>()
            .AddExpiry(_ => WorkerStatements.Expiry)
            .AddHostedService<ModelRemoval>()
            .AddSingleton<ReportStore>()
            .AddSingleton<ReportEffects>()
            .AddSingleton<PendingReports>()
            .AddHostedService<ReportApplier>()
            .AddHostedService<ReportProbe>()
            .AddBrokerLoop<ReportConsumer>();
}
