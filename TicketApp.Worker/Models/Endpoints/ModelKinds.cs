using Microsoft.Extensions.DependencyInjection.Extensions;
using TicketApp.Messaging;
using TicketApp.Worker.Models.Chat;

namespace TicketApp.Worker.Models.Endpoints;

/// <summary>A kind of model that <c>Models:NAME:Kind</c> can name. docs/models.md says how to add one.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Add">Reads the settings of a model, and adds it.</param>
internal sealed record ModelKind(string Name, Action<ModelSection, IServiceCollection> Add);

/// <summary>The models that the section <c>Models</c> configures.</summary>
internal static class ModelKinds
{
    private static readonly TimeSpan _connectTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Those that every worker knows.</summary>
    public static IReadOnlyList<ModelKind> All { get; } = [ChatModel.Kind, HttpModel.Kind, OpenInferenceModel.Kind, ReplicateModel.Kind];

    /// <summary>Adds the configured models. Of a kind that no model has, nothing is loaded.</summary>
    /// <exception cref="InvalidOperationException">A setting cannot be used; the message names it.</exception>
    public static void AddConfiguredModels(this IHostApplicationBuilder builder, params IReadOnlyList<ModelKind> more)
    {
        ModelKind[] kinds = [.. All, .. more];
        foreach (var model in ModelSection.Of(builder.Configuration))
        {
            var name = model.Section[nameof(ModelSettings.Kind)];
            var kind = kinds.FirstOrDefault(kind => string.Equals(kind.Name, name, StringComparison.OrdinalIgnoreCase))
                ?? throw new InvalidOperationException(
                    $"{model.Path}:Kind is {(string.IsNullOrEmpty(name) ? "missing" : $"'{name}'")}; "
                    + $"this worker has {string.Join(", ", kinds.Select(kind => kind.Name).Order(StringComparer.Ordinal))}.");
            if (model.Name is ModelNames.Simulated or ModelNames.Sentiment)
            {
                throw new InvalidOperationException($"{model.Path}: each worker has a model of this name already.");
            }

            kind.Add(model, builder.Services);
        }
    }

    /// <summary>Adds a model of a kind.</summary>
    public static void AddConfiguredModel(
        this IServiceCollection services, ModelSection model, ModelSettings settings, Func<IServiceProvider, IModel> create)
    {
        services.AddOptions<WorkerOptions>().PostConfigure(worker => worker.Slots.TryAdd(model.Name, settings.Slots));
        services.AddSingleton(create);
    }

    /// <summary>Adds a model of a kind that asks an endpoint.</summary>
    public static void AddEndpointModel(
        this IServiceCollection services, ModelSection model, EndpointSettings settings, Func<ModelEndpoint, IModel> create)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddHttpClient(model.Path, client => client.Timeout = Timeout.InfiniteTimeSpan)
            // One client for as long as the process lives; its connections follow changes of names.
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
            .ConfigurePrimaryHttpMessageHandler(() => CreateHandler(settings))
            // The ticket is what is tried again, and the defaults would give up on an answer after seconds.
            .RemoveAllResilienceHandlers()
            .RemoveAllLoggers();
        services.AddConfiguredModel(model, settings, provider => create(new(
            model,
            settings,
            provider.GetRequiredService<IHttpClientFactory>().CreateClient(model.Path),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<ModelEndpoint>>())));
    }

    private static SocketsHttpHandler CreateHandler(EndpointSettings settings) => new()
    {
        // Another address would get the input.
        AllowAutoRedirect = settings.FollowRedirects,
        UseProxy = settings.UseProxy,
        UseCookies = false,
        ConnectTimeout = _connectTimeout,
        // A connection of its own for each request, which mostly takes far longer than to connect. One that was kept may have been closed
        // by the endpoint in the moment in which it is used again, and then nobody knows whether the model runs.
        PooledConnectionLifetime = TimeSpan.Zero,
        // An answer that is not wanted any more ends with its connection, which tells the endpoint to stop.
        MaxResponseDrainSize = 0,
    };
}
