using System.ClientModel;
using System.ClientModel.Primitives;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using OpenAI;
using OpenAI.Chat;
using TicketApp.ServiceDefaults;

namespace TicketApp.Worker.Models.Chat;

/// <summary>The chat model, where there is one.</summary>
internal static class ChatModelServices
{
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
            .ConfigurePrimaryHttpMessageHandler(provider =>
                ChatTransport.CreateHandler(provider.GetRequiredService<IOptions<ChatModelOptions>>().Value))
            // The ticket is what is tried again, and the defaults would give up on an answer after seconds.
            .RemoveAllResilienceHandlers()
            .RemoveAllLoggers()
            .AddHttpMessageHandler(provider => new ChatTransport(provider.GetRequiredService<TimeProvider>()));
        services
            .AddSingleton<IValidateOptions<ChatModelOptions>, ChatModelOptionsValidator>()
            .AddSingleton(connection)
            .AddSingleton(provider => CreateClient(
                connection,
                provider.GetRequiredService<IHttpClientFactory>().CreateClient(ChatConnection.Name),
                provider.GetRequiredService<IOptions<ChatModelOptions>>().Value))
            .AddModel<ChatModel>();
    }

    private static IChatClient CreateClient(ChatConnection connection, HttpClient http, ChatModelOptions options) =>
        new ChatClient(connection.Model, new ApiKeyCredential(connection.Key), new OpenAIClientOptions
        {
            Endpoint = connection.Endpoint,
            Transport = new HttpClientPipelineTransport(http),
            RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
            NetworkTimeout = Timeout.InfiniteTimeSpan,
        })
        .AsIChatClient()
        .AsBuilder()
        // Prompts and answers stay out of telemetry whatever the environment says; Aspire's says otherwise in development.
        .UseOpenTelemetry(sourceName: TelemetryNames.App, configure: telemetry => telemetry.EnableSensitiveData = false)
        .Use(endpoint => new GuardedChatClient(endpoint, options.TokenTimeout))
        .Build();
}
