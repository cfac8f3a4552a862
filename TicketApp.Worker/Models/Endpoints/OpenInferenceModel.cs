using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Microsoft.Extensions.Options;

namespace TicketApp.Worker.Models.Endpoints;

/// <summary>Settings of a model of the kind <c>open-inference</c>.</summary>
public sealed class OpenInferenceModelSettings : EndpointSettings
{
    /// <summary>What the server calls the model. Default: NAME.</summary>
    public string? Model { get; set; }

    /// <summary>Version of the model. Not set: the server's choice. Default: not set.</summary>
    public string? Version { get; set; }

    /// <summary>
    /// Maximum number of tickets in one request, joined in the first dimension. Set it only if that dimension is the batch in all inputs
    /// and outputs. Default: 1.
    /// </summary>
    [Range(1, 1024)]
    public int LargestBatch { get; set; } = 1;
}

[OptionsValidator]
internal sealed partial class OpenInferenceModelSettingsValidator : IValidateOptions<OpenInferenceModelSettings>;

/// <summary>Asks a model at a server of the Open Inference Protocol, version 2, over HTTP and JSON.</summary>
/// <remarks>https://github.com/kserve/open-inference-protocol</remarks>
internal sealed class OpenInferenceModel(OpenInferenceModelSettings settings, ModelEndpoint endpoint)
    : TensorModel(endpoint.Name, settings), IDisposable
{
    private readonly string _path =
        $"v2/models/{Uri.EscapeDataString(settings.Model ?? endpoint.Name)}"
        + (settings.Version is { Length: > 0 } version ? $"/versions/{Uri.EscapeDataString(version)}" : "");

    private TensorType[] _outputs = [];

    public static ModelKind Kind { get; } = new("open-inference", (model, services) =>
    {
        var settings = model.Read(
            section => section.Get<OpenInferenceModelSettings>(ModelSection.Strictly), new OpenInferenceModelSettingsValidator());
        services.AddEndpointModel(model, settings, endpoint => new OpenInferenceModel(settings, endpoint));
    });

    public override string Description => settings.Description ?? "Passes tensors on to a model server";

    public override bool IsUnavailable => endpoint.IsUnavailable;

    public override int LargestBatch => settings.LargestBatch;

    /// <summary>Waits for the server and the model, and asks what tensors the model has.</summary>
    public override async Task WarmUpAsync(CancellationToken cancellationToken)
    {
        await endpoint.SendAsync(endpoint.Request(HttpMethod.Get, "v2/health/ready"), cancellationToken);
        await endpoint.SendAsync(endpoint.Request(HttpMethod.Get, $"{_path}/ready"), cancellationToken);
        var metadata = (await endpoint.SendAsync(endpoint.Request(HttpMethod.Get, _path), cancellationToken)).Json();
        Inputs = Types(metadata, "inputs");
        _outputs = Types(metadata, "outputs");
    }

    public void Dispose() => endpoint.Dispose();

    protected override async Task<Tensor[]> InferAsync(ModelRun run, IReadOnlyList<Tensor> inputs, CancellationToken cancellationToken) =>
        Outputs(await SendAsync(run, TensorQuestion.Request(inputs), cancellationToken));

    protected override async Task<ModelAnswer> PassOnAsync(ModelRun run, byte[] request, CancellationToken cancellationToken)
    {
        var answer = await SendAsync(run, request, cancellationToken);
        _ = Outputs(answer);
        return EndpointFailures.Answer(answer);
    }

    private async Task<JsonElement> SendAsync(ModelRun run, byte[] body, CancellationToken cancellationToken) =>
        (await endpoint.AskAsync(run, () => endpoint.Request(HttpMethod.Post, $"{_path}/infer", body), cancellationToken)).Json();

    /// <exception cref="ModelException">The answer is not of the protocol.</exception>
    private Tensor[] Outputs(JsonElement answer)
    {
        try
        {
            return answer.ValueKind == JsonValueKind.Object && answer.TryGetProperty("outputs", out var outputs)
                && outputs.ValueKind == JsonValueKind.Array && outputs.GetArrayLength() > 0
                ? [.. outputs.EnumerateArray().Select(output => Tensor.FromObject(output, _outputs))]
                : throw EndpointFailures.NoAnswer("has no outputs");
        }
        catch (Exception exception) when (exception is FormatException or InvalidOperationException)
        {
            throw EndpointFailures.NoAnswer(
                exception is FormatException ? $"has an output that {exception.Message}" : "has half a character");
        }
    }

    private static TensorType[] Types(JsonElement metadata, string name)
    {
        try
        {
            return metadata.TryGetProperty(name, out var types) && types.ValueKind == JsonValueKind.Array
                ?
                [
                    .. types.EnumerateArray().Select(type => new TensorType(
                        type.GetProperty("name").GetString()!,
                        type.GetProperty("datatype").GetString()!,
                        [.. type.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())])),
                ]
                : [];
        }
        catch (Exception exception) when (exception is InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw EndpointFailures.NoAnswer("is no metadata of a model");
        }
    }
}
