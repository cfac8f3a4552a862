using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace TicketApp.Worker.Models.Chat;

/// <summary>Passes the input to a chat model at an OpenAI-compatible endpoint, and its answer on as progress, token by token.</summary>
internal sealed class ChatModel(IChatClient client, ChatConnection connection, IOptions<ChatModelOptions> options, TimeProvider time)
    : IModel, IDisposable
{
    private readonly ModelGate _gate = new(time);

    private readonly ChatOptions _request = new()
    {
        Temperature = options.Value.Temperature,
        MaxOutputTokens = options.Value.MaxOutputTokens,
    };

    public string Name => "chat";

    public string Description => $"Passes the input on to the chat model {connection.Model}";

    public ModelInput Input => ModelInput.Required;

    public int Slots => options.Value.MaxConcurrency;

    public async ValueTask<ModelAnswer> RunAsync(ModelRun run, CancellationToken cancellationToken) =>
        await _gate.RunAsync(run, accepted => AskAsync(run, accepted, cancellationToken), cancellationToken);

    public void Dispose() => _gate.Dispose();

    private async Task<ModelAnswer> AskAsync(ModelRun run, Action accepted, CancellationToken cancellationToken)
    {
        StringBuilder answer = new();
        UsageDetails? usage = null;
        ChatFinishReason? end = null;
        await foreach (var update in client.GetStreamingResponseAsync(Messages(run.Input!), _request, cancellationToken))
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

    private List<ChatMessage> Messages(string input) => options.Value.SystemPrompt is { Length: > 0 } prompt
        ? [new(ChatRole.System, prompt), new(ChatRole.User, input)]
        : [new(ChatRole.User, input)];

    private JsonObject Details(UsageDetails? usage, ChatFinishReason? end)
    {
        JsonObject details = new() { ["model"] = connection.Model, ["finish_reason"] = end?.Value };
        if (usage is not null)
        {
            details["input_tokens"] = usage.InputTokenCount;
            details["output_tokens"] = usage.OutputTokenCount;
        }

        return details;
    }
}
