using System.ComponentModel.DataAnnotations;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using TicketApp.Messaging;
using TicketApp.ServiceDefaults;
using TicketApp.Worker.Models.Endpoints;

namespace TicketApp.Worker.Models.Chat;

/// <summary>Settings of a model of the kind <c>chat</c>.</summary>
public sealed class ChatModelSettings : EndpointSettings
{
    private const string UsualPath = "/v1";

    // The first token comes soon, or not at all.
    public ChatModelSettings() => Timeout = TimeSpan.FromMinutes(1);

    /// <summary>What the endpoint calls the model. Default: required.</summary>
    public string Model { get; set; } = "";

    /// <summary>System message before each ticket's input. Not set: no system message. Default: not set.</summary>
    public string? SystemPrompt { get; set; }

    /// <summary>
    /// Sampling temperature, from 0 (most predictable) to 2, where a ticket names none. Not set: the endpoint's default.
    /// Default: not set.
    /// </summary>
    [Range(0, 2)]
    public float? Temperature { get; set; }

    /// <summary>
    /// Maximum length of an answer, in tokens; the answer is cut there. Not set: what the ticket asks for, or the endpoint's default.
    /// Default: not set.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int? MaxOutputTokens { get; set; }

    /// <summary>An address without a path gets <c>/v1</c>, the usual one but for Azure's.</summary>
    internal override Uri Address => Url!.AbsolutePath == "/" ? new Uri(Url, UsualPath) : Url;

    internal override IEnumerable<string> Defects(string path) =>
        string.IsNullOrWhiteSpace(Model)
            ? base.Defects(path).Append($"{path}:Model is missing: what the endpoint calls the model.")
            : base.Defects(path);
}

[OptionsValidator]
internal sealed partial class ChatModelSettingsValidator : IValidateOptions<ChatModelSettings>;

/// <summary>Passes the input to a chat model at an OpenAI-compatible endpoint, and its answer on as progress, token by token.</summary>
internal sealed class ChatModel(ChatModelSettings settings, ModelEndpoint endpoint) : IModel, IDisposable
{
    // Of the caller's own, and not for the endpoint.
    private const string Metadata = "metadata";

    // What a ticket may ask for itself: no other model, no second answer, and nothing that costs more or is kept at the endpoint.
    private static readonly string[] _members =
    [
        "messages", "temperature", "top_p", "stop", "seed", "response_format", "presence_penalty", "frequency_penalty", "reasoning_effort",
        "max_tokens", "max_completion_tokens", Metadata,
    ];

    private readonly IChatClient _client = new ChatEndpoint(endpoint, settings.Model)
        .AsBuilder()
        // Prompts and answers stay out of telemetry whatever the environment says; Aspire's says otherwise in development.
        .UseOpenTelemetry(sourceName: TelemetryNames.App, configure: telemetry => telemetry.EnableSensitiveData = false)
        .Build();

    public static ModelKind Kind { get; } = new("chat", (model, services) =>
    {
        var settings = model.Read(section => section.Get<ChatModelSettings>(ModelSection.Strictly), new ChatModelSettingsValidator());
        services.AddEndpointModel(model, settings, endpoint => new ChatModel(settings, endpoint));
    });

    public string Name => endpoint.Name;

    string? IModel.Kind => Kind.Name;

    public string Description => settings.Description ?? $"Passes the input on to the chat model {settings.Model}";

    public ModelInput Input => settings.GetInput();

    public int Slots => settings.Slots;

    public bool IsUnavailable => endpoint.IsUnavailable;

    public async ValueTask<ModelAnswer> RunAsync(ModelRun run, CancellationToken cancellationToken)
    {
        var (messages, options) = Question(run.Input!.Value);
        return await endpoint.RunAsync(run, accepted => AskAsync(run, messages, options, accepted, cancellationToken), cancellationToken);
    }

    public void Dispose() => _client.Dispose();

    private async Task<ModelAnswer> AskAsync(
        ModelRun run, List<ChatMessage> messages, ChatOptions options, Action accepted, CancellationToken cancellationToken)
    {
        StringBuilder answer = new();
        UsageDetails? usage = null;
        ChatFinishReason? end = null;
        await foreach (var update in _client.GetStreamingResponseAsync(messages, options, cancellationToken))
        {
            accepted();
            end = update.FinishReason ?? end;
            usage = update.Contents.OfType<UsageContent>().LastOrDefault()?.Details ?? usage;
            if (update.Text is { Length: > 0 } text)
            {
                answer.Append(text);
                run.Progress.Report(new(Text: text));
            }
        }

        return new(answer.ToString()) { Details = Details(usage, end) };
    }

    /// <summary>A text is one message; an object with <c>messages</c> is what it says; other JSON is a text too.</summary>
    private (List<ChatMessage> Messages, ChatOptions Options) Question(Payload input)
    {
        List<ChatMessage> messages = settings.SystemPrompt is { Length: > 0 } prompt ? [new(ChatRole.System, prompt)] : [];
        ChatOptions options = new() { Temperature = settings.Temperature, MaxOutputTokens = settings.MaxOutputTokens };
        if (input.IsJson && Asked(input.Text) is { } asked)
        {
            options.RawRepresentationFactory = _ => asked;
            options.MaxOutputTokens =
                (Limit(asked, "max_completion_tokens") ?? Limit(asked, "max_tokens")) is { } own
                    ? Math.Min(own, settings.MaxOutputTokens ?? int.MaxValue)
                    : settings.MaxOutputTokens;
        }
        else
        {
            messages.Add(new(ChatRole.User, input.Text));
        }

        return (messages, options);
    }

    private static JsonObject? Asked(string json)
    {
        try
        {
            if (JsonNode.Parse(json) is not JsonObject asked || !asked.ContainsKey("messages"))
            {
                return null;
            }

            if (asked["messages"] is not JsonArray { Count: > 0 } messages || messages.Any(message => message is not JsonObject))
            {
                throw EndpointFailures.Final("The input's messages must be an array of at least one object");
            }

            if (asked.Select(member => member.Key).Except(_members).Any())
            {
                throw EndpointFailures.Final($"The input must have no members but {string.Join(", ", _members)}");
            }

            if (!MessageReader.IsWritable(JsonElement.Parse(json)))
            {
                throw HalfCharacter();
            }

            asked.Remove(Metadata);
            return asked;
        }
        catch (InvalidOperationException)
        {
            // In the name of a member.
            throw HalfCharacter();
        }
        catch (ArgumentException)
        {
            throw EndpointFailures.Final("The input has a member twice");
        }
    }

    private static ModelException HalfCharacter() => EndpointFailures.Final("The input has an escape that is half a character");

    private static int? Limit(JsonObject asked, string name) => asked[name] switch
    {
        null => null,
        JsonValue value when value.GetValueKind() == JsonValueKind.Number && value.TryGetValue(out int limit) && limit > 0 => limit,
        _ => throw EndpointFailures.Final($"The input's {name} must be a whole number above zero"),
    };

    private JsonObject Details(UsageDetails? usage, ChatFinishReason? end)
    {
        JsonObject details = new() { ["model"] = settings.Model, ["finish_reason"] = end?.Value };
        if (usage is not null)
        {
            details["input_tokens"] = usage.InputTokenCount;
            details["output_tokens"] = usage.OutputTokenCount;
        }

        return details;
    }
}
