using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using TicketApp.Messaging;

namespace TicketApp.Worker.Models.Endpoints;

/// <summary>Settings of a model of the kind <c>http</c>.</summary>
public sealed class HttpModelSettings : EndpointSettings
{
    /// <summary>
    /// JSON of each request, into which the input is put at <c>InputPointer</c>. Not set: the input itself, or an object around it if
    /// there is an <c>InputPointer</c>. Default: not set.
    /// </summary>
    public string? Body { get; set; }

    /// <summary>JSON pointer (RFC 6901) to the input within the request, such as <c>/inputs/0</c>. Default: not set.</summary>
    public string? InputPointer { get; set; }

    /// <summary>JSON pointer (RFC 6901) to the response within the answer. Not set: the whole answer. Default: not set.</summary>
    public string? OutputPointer { get; set; }

    internal override bool TakesQuery => true;

    internal override IEnumerable<string> Defects(string path)
    {
        foreach (var defect in base.Defects(path))
        {
            yield return defect;
        }

        if (InputPointer is not null && !JsonPointer.IsOne(InputPointer))
        {
            yield return $"{path}:InputPointer must be a JSON pointer, such as /inputs/0.";
        }
        else if (Body is not null && (InputPointer is null || !TryFill()))
        {
            yield return $"{path}:Body must be JSON that has a place for the input at {path}:InputPointer.";
        }

        if (OutputPointer is not null && !JsonPointer.IsOne(OutputPointer))
        {
            yield return $"{path}:OutputPointer must be a JSON pointer, such as /outputs/0/text.";
        }
    }

    /// <summary>What is sent for an input.</summary>
    internal byte[] Fill(Payload input)
    {
        var json = input.IsJson ? input.Text : JsonValue.Create(input.Text).ToJsonString();
        return Encoding.UTF8.GetBytes(InputPointer is { Length: > 0 }
            ? JsonPointer.Set(JsonNode.Parse(Body ?? "{}"), InputPointer, JsonNode.Parse(json)).ToJsonString()
            : json);
    }

    private bool TryFill()
    {
        try
        {
            return Fill("input").Length > 0;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return false;
        }
    }
}

[OptionsValidator]
internal sealed partial class HttpModelSettingsValidator : IValidateOptions<HttpModelSettings>;

/// <summary>Posts the input to an address; the answer is the response.</summary>
internal sealed class HttpModel(HttpModelSettings settings, ModelEndpoint endpoint) : IModel, IDisposable
{
    public static ModelKind Kind { get; } = new("http", (model, services) =>
    {
        var settings = model.Read(section => section.Get<HttpModelSettings>(ModelSection.Strictly), new HttpModelSettingsValidator());
        services.AddEndpointModel(model, settings, endpoint => new HttpModel(settings, endpoint));
    });

    public string Name => endpoint.Name;

    string? IModel.Kind => Kind.Name;

    public string Description => settings.Description ?? "Passes the input on to a server";

    public ModelInput Input => settings.GetInput();

    public int Slots => settings.Slots;

    public bool IsUnavailable => endpoint.IsUnavailable;

    public async ValueTask<ModelAnswer> RunAsync(ModelRun run, CancellationToken cancellationToken)
    {
        var body = settings.Fill(run.Input!.Value);
        var answer = await endpoint.AskAsync(run, () => endpoint.Request(HttpMethod.Post, "", body), cancellationToken);
        if (answer.Status is HttpStatusCode.Accepted or HttpStatusCode.NoContent)
        {
            throw EndpointFailures.NoAnswer($"has no content, with status {(int)answer.Status}");
        }

        if (settings.OutputPointer is null)
        {
            return answer.IsJson ? EndpointFailures.Answer(answer.Json()) : answer.Text();
        }

        return JsonPointer.Find(answer.Json(), settings.OutputPointer) is { } response
            ? EndpointFailures.Answer(response)
            : throw EndpointFailures.NoAnswer("has no response where OutputPointer says");
    }

    public void Dispose() => endpoint.Dispose();
}
