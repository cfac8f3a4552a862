using System.Globalization;
using System.Net;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;
using TicketApp.Messaging;

namespace TicketApp.Worker.Models.Endpoints;

/// <summary>Settings of a model of the kind <c>replicate-http</c>.</summary>
public sealed class ReplicateModelSettings : EndpointSettings
{
    // A container runs one prediction at a time, unless its concurrency.max says more.
    public ReplicateModelSettings() => Slots = 1;

    /// <summary>Input of the model that a text is, such as <c>prompt</c>. Not set: tickets must be objects. Default: not set.</summary>
    public string? TextInput { get; set; }

    /// <summary>All its slots are taken.</summary>
    internal override HttpStatusCode? Busy => HttpStatusCode.Conflict;
}

[OptionsValidator]
internal sealed partial class ReplicateModelSettingsValidator : IValidateOptions<ReplicateModelSettings>;

/// <summary>Makes predictions in a container of Cog's, with what they print and yield as progress.</summary>
/// <remarks>https://github.com/replicate/cog/blob/main/docs/http.md</remarks>
internal sealed partial class ReplicateModel(ReplicateModelSettings settings, ModelEndpoint endpoint) : IModel, IDisposable
{
    // Within what a run gets to stop.
    private static readonly TimeSpan _cancelLimit = TimeSpan.FromSeconds(2);

    // Models that do not stream refuse the wish for a stream; older containers do not know it.
    private volatile bool _streams = true;

    private InputSchema? _schema = settings.GetInput().Schema;

    public static ModelKind Kind { get; } = new("replicate-http", (model, services) =>
    {
        var settings = model.Read(
            section => section.Get<ReplicateModelSettings>(ModelSection.Strictly), new ReplicateModelSettingsValidator());
        services.AddEndpointModel(model, settings, endpoint => new ReplicateModel(settings, endpoint));
    });

    public string Name => endpoint.Name;

    string? IModel.Kind => Kind.Name;

    public string Description => settings.Description ?? "Passes the input on to a container of Cog's";

    public ModelInput Input => settings.GetInput() with { Schema = _schema };

    public int Slots => settings.Slots;

    public bool IsUnavailable => endpoint.IsUnavailable;

    /// <summary>Waits until the container is set up, and asks what its inputs are.</summary>
    public async Task WarmUpAsync(CancellationToken cancellationToken)
    {
        var health = (await endpoint.SendAsync(endpoint.Request(HttpMethod.Get, "health-check"), cancellationToken)).Json();
        if (Text(health, "status") is not ("READY" or "BUSY"))
        {
            throw new ModelException("The container is not ready");
        }

        if (settings.InputSchema is null)
        {
            await ReadSchemaAsync(cancellationToken);
        }
    }

    public async ValueTask<ModelAnswer> RunAsync(ModelRun run, CancellationToken cancellationToken)
    {
        var body = Encoding.UTF8.GetBytes($$"""{"input":{{Read(run.Input!.Value)}}}""");
        // Of the attempt: sent twice, it is one prediction.
        var path = $"predictions/{run.TicketId:N}-{run.Attempt}";
        var isRunning = true;
        try
        {
            var prediction = await endpoint.RunAsync(
                run, accepted => PredictAsync(run, path, body, accepted, cancellationToken), cancellationToken);
            isRunning = false;
            return Answer(prediction);
        }
        catch (Exception exception)
            when (isRunning && exception is not ModelException { IsRefused: true } and not ModelException { IsFinal: true })
        {
            await CancelAsync(path);
            throw;
        }
    }

    public void Dispose() => endpoint.Dispose();

    /// <summary>A container without a schema that can be used is asked whatever tickets ask.</summary>
    private async Task ReadSchemaAsync(CancellationToken cancellationToken)
    {
        try
        {
            var description = (await endpoint.SendAsync(endpoint.Request(HttpMethod.Get, "openapi.json"), cancellationToken)).Json();
            _schema = ContainerSchema.Read(description, takesText: settings.TextInput is { Length: > 0 });
        }
        catch (Exception exception) when (exception is ModelException or FormatException or InvalidOperationException or ArgumentException)
        {
            // The last two: it has half a character, or a name twice.
            Log.NoSchema(endpoint.Logger, Name, exception.Message);
        }
    }

    private async Task<JsonElement> PredictAsync(
        ModelRun run, string path, byte[] body, Action accepted, CancellationToken cancellationToken)
    {
        while (true)
        {
            var streams = _streams;
            var request = endpoint.Request(HttpMethod.Put, path, body);
            request.Headers.Accept.ParseAdd(streams ? "text/event-stream" : "application/json");
            var prediction = await endpoint.SendAsync(
                request,
                async (response, heard, token) =>
                {
                    if (response.StatusCode == HttpStatusCode.NotAcceptable)
                    {
                        return streams ? (JsonElement?)null : throw endpoint.Failures.Of(response);
                    }

                    accepted();
                    return response.Content.Headers.ContentType?.MediaType == "text/event-stream"
                        ? await ReadEventsAsync(run, response, heard, token)
                        : new EndpointAnswer(response, await endpoint.ReadAsync(response, heard, token)).Json();
                },
                cancellationToken,
                alsoRead: HttpStatusCode.NotAcceptable);
            if (prediction is { } known)
            {
                return known;
            }

            _streams = false;
        }
    }

    private static async Task<JsonElement?> ReadEventsAsync(
        ModelRun run, HttpResponseMessage response, Action heard, CancellationToken cancellationToken)
    {
        await using BoundedEventStream body = new(await response.Content.ReadAsStreamAsync(cancellationToken));
        await foreach (var item in SseParser.Create(body).EnumerateAsync(cancellationToken))
        {
            heard();
            if (item.EventType is not ("output" or "log" or "completed"))
            {
                continue;
            }

            var data = JsonElement.Parse(item.Data);
            switch (item.EventType)
            {
                case "completed":
                    return data;
                case "output" when Text(data, "chunk") is { Length: > 0 } chunk:
                    run.Progress.Report(new(Text: chunk));
                    break;
                case "log" when Percent.Matches(Text(data, "data") ?? "").LastOrDefault() is { } percent:
                    run.Progress.Report(new(double.Parse(percent.Groups[1].Value, CultureInfo.InvariantCulture) / 100));
                    break;
                default:
                    break;
            }
        }

        throw EndpointFailures.NoAnswer("broke off before its end");
    }

    private static ModelAnswer Answer(JsonElement prediction)
    {
        switch (Text(prediction, "status"))
        {
            case "succeeded" when prediction.TryGetProperty("output", out var output):
                var answer = EndpointFailures.Answer(output);
                return prediction.TryGetProperty("metrics", out var metrics) && metrics.ValueKind == JsonValueKind.Object
                    ? answer with { Details = new() { ["metrics"] = JsonObject.Create(metrics) } }
                    : answer;
            case "failed":
                throw new ModelException("The prediction failed; the container's log says why");
            case "canceled":
                throw new ModelException("The prediction was canceled in the container");
            default:
                throw EndpointFailures.NoAnswer("is no prediction that has ended");
        }
    }

    /// <summary>Nobody waits for it any more. Whether that is heard changes nothing here.</summary>
    private async Task CancelAsync(string path)
    {
        using CancellationTokenSource limit = new(_cancelLimit);
        try
        {
            await endpoint.SendAsync(endpoint.Request(HttpMethod.Post, $"{path}/cancel"), limit.Token);
        }
        catch (Exception exception) when (exception is ModelException or OperationCanceledException)
        {
            // It has ended by itself, or is out of reach.
        }
    }

    private string Read(Payload input) =>
        input.IsJson && input.Text.StartsWith('{') ? input.Text
        : !input.IsJson && settings.TextInput is { Length: > 0 } name ? new JsonObject { [name] = input.Text }.ToJsonString()
        : throw EndpointFailures.Final("The input must be an object with the model's inputs");

    private static string? Text(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String
            ? text.GetString()
            : null;

    [GeneratedRegex(@"\b(100|\d{1,2})%")]
    private static partial Regex Percent { get; }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Warning,
            Message = "Inputs of the model {Model} are not checked against the schema of its container: {Defect}")]
        public static partial void NoSchema(ILogger logger, string model, string defect);
    }
}
