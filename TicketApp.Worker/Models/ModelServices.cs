using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Options;

namespace TicketApp.Worker.Models;

/// <summary>The models that a worker can serve; <c>Worker:Models</c> chooses among them.</summary>
public static class ModelServices
{
    /// <summary>Adds all models of this program.</summary>
    public static IServiceCollection AddModels(this IServiceCollection services) =>
        services
            .AddSimulator()
            .AddSentiment()
            .AddModel<SimulatedModel>()
            .AddModel<SentimentModel>();

    /// <summary>Adds a model.</summary>
    public static IServiceCollection AddModel<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(
        this IServiceCollection services)
        where T : class, IModel => services.AddSingleton<IModel, T>();

    private static IServiceCollection AddSimulator(this IServiceCollection services)
    {
        services.AddOptions<SimulatorOptions>().BindConfiguration(SimulatorOptions.SectionName).ValidateOnStart();
        return services.AddSingleton<IValidateOptions<SimulatorOptions>, SimulatorOptionsValidator>();
    }

    private static IServiceCollection AddSentiment(this IServiceCollection services)
    {
        services.AddOptions<SentimentOptions>().BindConfiguration(SentimentOptions.SectionName).ValidateOnStart();
        return services.AddSingleton<IValidateOptions<SentimentOptions>, SentimentOptionsValidator>();
    }
}
