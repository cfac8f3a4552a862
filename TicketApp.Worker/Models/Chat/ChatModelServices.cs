using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using TicketApp.ServiceDefaults;

namespace TicketApp.Worker.Models.Chat;

/// <summary>The chat model, where there is one.</summary>
internal static class ChatModelServices
{
    private static readonly TimeSpan _connectTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Adds the chat model where the connection string <c>chat</c> says where it is. Without, nothing of it is loaded.</summary>
    /// <exception cref="InvalidOperationException">The connection string cannot be used.</exception>
    public static void AddChatModel(this IHostApplicationBuilder builder)
    {
        if (builder.Configuration.GetConnectionString(ChatConnection.Name) is { } connectionString
            && !string.IsNullOrWhiteSpace(connectionString))
        {
            builder.Services.AddChatModel(ChatConnection.Parse(connectionString));
        }
    }

    private static void AddChatModel(this IServiceCollection services, ChatConnection connection)
    {
        services.AddOptions<ChatModelOptions>().BindConfiguration(ChatModelOptions.SectionName).ValidateOnStart();
        services.AddOptions<WorkerOptions>().PostConfigure<IOptions<ChatModelOptions>>((worker, chat) =>
            worker.Slots.TryAdd(ChatConnection.Name, chat.Value.MaxConcurrency));
        services.TryAddSingleton(TimeProvider.System);
        services.AddHttpClient(ChatConnection.Name, client => client.Timeout = Timeout.InfiniteTimeSpan)
            // One client for as long as the process lives; its connections follow changes of names.
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
            .ConfigurePrimaryHttpMessageHandler(provider => CreateHandler(provider.GetRequiredService<IOptions<ChatModelOptions>>().Value))
            // The ticket is what is tried again, and the defaults would give up on an answer after seconds.
            .RemoveAllResilienceHandlers()
            .RemoveAllLoggers();
        services
            .AddSingleton<IValidateOptions<ChatModelOptions>, ChatModelOptionsValidator>()
            .AddSingleton(connection)
            .AddSingleton(provider => CreateClient(provider, connection))
            .AddModel<ChatModel>();
    }

    private static SocketsHttpHandler CreateHandler(ChatModelOptions options) => new()
    {
        // Another address would get the prompt.
        AllowAutoRedirect = false,
        UseProxy = options.UseProxy,
        UseCookies = false,
        ConnectTimeout = _connectTimeout,
        // A connection of its own for each answer, which takes far longer than to connect. One that was kept may have been closed by the
        // endpoint in the moment in which it is used again, and then nobody knows whether the model runs.
        PooledConnectionLifetime = TimeSpan.Zero,
        // An answer that is not wanted any more ends with its connection, which tells the endpoint to stop.
        MaxResponseDrainSize = 0,
    };

    private static IChatClient CreateClient(IServiceProvider provider, ChatConnection connection) =>
        new ChatEndpoint(
            provider.GetRequiredService<IHttpClientFactory>().CreateClient(ChatConnection.Name),
            connection,
            provider.GetRequiredService<IOptions<ChatModelOptions>>().Value.TokenTimeout,
            provider.GetRequiredService<TimeProvider>())
        .AsBuilder()
        // Prompts and answers stay out of telemetry whatever the environment says; Aspire's says otherwise in development.
        .UseOpenTelemetry(sourceName: TelemetryNames.App, configure: telemetry => telemetry.EnableSensitiveData = false)
        .Build();
}
