using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.Tokenizers;
using TicketApp.Worker.Models;
using TicketApp.Worker.Models.Endpoints;
using SessionOptions = Microsoft.ML.OnnxRuntime.SessionOptions;

namespace TicketApp.Worker.Onnx;

/// <summary>Settings of a model of the kind <c>onnx</c>.</summary>
public sealed class OnnxModelSettings : ModelSettings
{
    public OnnxModelSettings() => Slots = Environment.ProcessorCount;

    /// <summary>File of the network, from the folder in which the worker is started. Default: required.</summary>
    public string Path { get; set; } = "";

    /// <summary>Threads of one run. Slots times threads should be the number of cores. Default: 1.</summary>
    [Range(1, 1024)]
    public int Threads { get; set; } = 1;

    /// <summary>
    /// Maximum number of tickets in one run, joined in the first dimension. Set it only if that dimension is the batch in all inputs and
    /// outputs. Default: 1.
    /// </summary>
    [Range(1, 1024)]
    public int LargestBatch { get; set; } = 1;

    /// <summary>
    /// File of the tokenizer for texts: the words of a BERT model (<c>vocab.txt</c>) or a SentencePiece model (<c>.model</c>). Not set:
    /// tickets must be tensors. Default: not set.
    /// </summary>
    public string? Tokenizer { get; set; }

    /// <summary>Maximum length of a text, in tokens; the rest of it is not read. Default: 512.</summary>
    [Range(2, 1_000_000)]
    public int MaxTokens { get; set; } = 512;

    /// <summary>
    /// Names of the classes, in the order of the output. The response is the most probable one, with all probabilities in its details. Not
    /// set: the response is the output. Default: none.
    /// </summary>
    public IList<string> Labels { get; } = [];

    internal override IEnumerable<string> Defects(string path)
    {
        if (!File.Exists(Path))
        {
            yield return $"{path}:Path must be a file; there is no '{Path}'.";
        }

        if (Tokenizer is not null && !File.Exists(Tokenizer))
        {
            yield return $"{path}:Tokenizer must be a file; there is no '{Tokenizer}'.";
        }
    }
}

[OptionsValidator]
internal sealed partial class OnnxModelSettingsValidator : IValidateOptions<OnnxModelSettings>;

/// <summary>Runs a network from a file, in this process.</summary>
internal sealed class OnnxModel(string name, OnnxModelSettings settings) : TensorModel(name, settings), IDisposable
{
    private const string Ids = "input_ids";

    private InferenceSession? _session;
    private Tokenizer? _tokenizer;

    public static ModelKind Kind { get; } = new("onnx", (model, services) =>
    {
        var settings = model.Read(section => section.Get<OnnxModelSettings>(ModelSection.Strictly), new OnnxModelSettingsValidator());
        services.AddConfiguredModel(model, settings, _ => new OnnxModel(model.Name, settings));
    });

    public override string Description => settings.Description ?? "Runs a network";

    public override int LargestBatch => settings.LargestBatch;

    /// <summary>Loads the files.</summary>
    public override Task WarmUpAsync(CancellationToken cancellationToken)
    {
        _tokenizer ??= settings.Tokenizer is null ? null : Load(settings.Tokenizer);
        if (_session is null)
        {
            using SessionOptions options = new()
            {
                IntraOpNumThreads = settings.Threads,
                InterOpNumThreads = 1,
                LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
            };
            // Idle threads would spin, on cores that other runs need.
            options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
            _session = new(settings.Path, options);
        }

        Inputs = [.. _session.InputMetadata.Select(input => new TensorType(
            input.Key, OnnxTensors.NameOf(input.Value.ElementDataType), [.. input.Value.Dimensions.Select(size => (long)size)]))];
        return Task.CompletedTask;
    }

    public void Dispose() => _session?.Dispose();

    protected override Task<Tensor[]> InferAsync(ModelRun run, IReadOnlyList<Tensor> inputs, CancellationToken cancellationToken)
    {
        // In the runner's thread, which is there for that.
        List<OrtValue> values = [];
        using RunOptions options = new();
        try
        {
            values.AddRange(inputs.Select(OnnxTensors.ToValue));
            using var registration = cancellationToken.Register(() => options.Terminate = true);
            using var outputs = _session!.Run(options, [.. inputs.Select(input => input.Type.Name)], values, _session.OutputNames);
            return Task.FromResult(outputs.Select((output, i) => OnnxTensors.ToTensor(_session.OutputNames[i], output)).ToArray());
        }
        catch (OnnxRuntimeException exception)
        {
            cancellationToken.ThrowIfCancellationRequested();
            // Not its words: they may repeat the input.
            throw EndpointFailures.Final($"The network failed ({exception.GetType().Name}); the input may be none that it takes");
        }
        finally
        {
            values.ForEach(value => value.Dispose());
        }
    }

    /// <summary>A text is its tokens, for a network that takes tokens.</summary>
    protected override TensorQuestion ReadText(string text)
    {
        if (_tokenizer is null)
        {
            return base.ReadText(text);
        }

        var tokens = _tokenizer.EncodeToIds(text, settings.MaxTokens, out _, out _);
        var ids = Row(tokens);
        return TensorQuestion.Of(
            Inputs.Select(input => (input, input.Name switch
            {
                "attention_mask" => Row(tokens.Select(_ => 1)),
                "token_type_ids" => Row(tokens.Select(_ => 0)),
                _ => input.Name == Ids || Inputs.Count == 1
                    ? ids
                    : throw new FormatException($"is a text, and the network has other inputs than tokens: {input.Name}"),
            })),
            isText: true);
    }

    protected override ModelAnswer Answer(TensorQuestion question, Tensor[] outputs)
    {
        if (settings.Labels.Count == 0)
        {
            return base.Answer(question, outputs);
        }

        var scores = outputs[0].Data.Select(score => score.GetDouble()).ToArray();
        if (scores.Length != settings.Labels.Count)
        {
            throw EndpointFailures.Final($"The network answers {scores.Length} numbers, and Labels has {settings.Labels.Count} names");
        }

        var max = scores.Max();
        var weights = Array.ConvertAll(scores, score => Math.Exp(score - max));
        JsonObject probabilities = new(settings.Labels.Zip(weights)
            .Select(label => KeyValuePair.Create(label.First, (JsonNode?)Math.Round(label.Second / weights.Sum(), 4))));
        return new ModelAnswer(settings.Labels[scores.IndexOf(max)]) { Details = new() { ["probabilities"] = probabilities } };
    }

    private static JsonElement Row(IEnumerable<int> numbers) => JsonElement.Parse($"[{string.Join(',', numbers)}]");

    private static Tokenizer Load(string path)
    {
        if (!path.EndsWith(".model", StringComparison.OrdinalIgnoreCase))
        {
            return BertTokenizer.Create(path);
        }

        using var file = File.OpenRead(path);
        return SentencePieceTokenizer.Create(file);
    }
}
