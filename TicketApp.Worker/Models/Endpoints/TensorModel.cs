using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using TicketApp.Messaging;

namespace TicketApp.Worker.Models.Endpoints;

/// <summary>
/// A model that takes and answers tensors, whatever runs it: reads what tickets ask, and joins those of one shape where the model's first
/// dimension is the batch.
/// </summary>
/// <param name="name">What tickets call the model.</param>
/// <param name="settings">Its settings.</param>
internal abstract class TensorModel(string name, ModelSettings settings) : IBatchModel
{
    public string Name => name;

    string? IModel.Kind => settings.Kind.ToLowerInvariant();

    public abstract string Description { get; }

    public ModelInput Input => settings.GetInput();

    public int Slots => settings.Slots;

    public virtual bool IsUnavailable => false;

    public abstract int LargestBatch { get; }

    /// <summary>The model's inputs, known once it is warm.</summary>
    protected IReadOnlyList<TensorType> Inputs { get; set; } = [];

    public abstract Task WarmUpAsync(CancellationToken cancellationToken);

    public async ValueTask<ModelAnswer> RunAsync(ModelRun run, CancellationToken cancellationToken) =>
        await InferAsync(run, Read(run.Input!.Value), cancellationToken);

    public async ValueTask<IReadOnlyList<ModelOutcome>> RunBatchAsync(IReadOnlyList<ModelRun> runs, CancellationToken cancellationToken)
    {
        var outcomes = new ModelOutcome[runs.Count];
        List<(int Index, TensorQuestion Question)> questions = [];
        for (var i = 0; i < runs.Count; i++)
        {
            try
            {
                questions.Add((i, Read(runs[i].Input!.Value)));
            }
            catch (ModelException defect)
            {
                outcomes[i] = ModelOutcome.Failed(defect);
            }
        }

        var isBatch = Inputs.Count > 0 && Inputs.All(input => input.Shape is [-1, ..]);
        await Task.WhenAll(questions
            .GroupBy(item => isBatch && item.Question.Whole is null ? item.Question.RowShape : $"{item.Index}")
            .Select(async group =>
            {
                (int Index, TensorQuestion Question)[] items = [.. group];
                var answers = await InferAsync(
                    [.. items.Select(item => runs[item.Index])], [.. items.Select(item => item.Question)], cancellationToken);
                for (var i = 0; i < items.Length; i++)
                {
                    outcomes[items[i].Index] = answers[i];
                }
            }));
        return outcomes;
    }

    /// <summary>Runs the model.</summary>
    protected abstract Task<Tensor[]> InferAsync(ModelRun run, IReadOnlyList<Tensor> inputs, CancellationToken cancellationToken);

    /// <summary>Passes on a request of the Open Inference Protocol, where the model is at a server of it.</summary>
    protected virtual Task<ModelAnswer>? PassOnAsync(ModelRun run, byte[] request, CancellationToken cancellationToken) => null;

    /// <summary>What a text asks: it is the only input, of a model that takes texts.</summary>
    /// <exception cref="FormatException">It asks nothing.</exception>
    protected virtual TensorQuestion ReadText(string text) => Inputs is [{ DataType: "BYTES" } only]
        ? TensorQuestion.Of([(only, JsonElement.Parse(JsonValue.Create(text).ToJsonString()))], isText: true)
        : throw new FormatException("is a text, and the model takes other tensors");

    /// <summary>The response.</summary>
    protected virtual ModelAnswer Answer(TensorQuestion question, Tensor[] outputs) => question.Answer(outputs);

    /// <summary>Asks for all in one request, or else for each in its own: what is wrong with one does not concern the others.</summary>
    private async Task<ModelOutcome[]> InferAsync(ModelRun[] runs, TensorQuestion[] questions, CancellationToken cancellationToken)
    {
        if (runs.Length > 1)
        {
            // As long as the first has time; for good if none has.
            var together = runs[0] with { Ends = runs.Min(run => run.Ends), Deadline = runs.Max(run => run.Deadline) };
            try
            {
                return await InferTogetherAsync(together, questions, cancellationToken);
            }
            catch (ModelException refused) when (refused.IsRefused)
            {
                return [.. runs.Select(_ => ModelOutcome.Failed(refused))];
            }
            catch (ModelException)
            {
                // Each by itself.
            }
        }

        return await Task.WhenAll(runs.Zip(questions).Select(async item =>
        {
            try
            {
                return ModelOutcome.Answered(await InferAsync(item.First, item.Second, cancellationToken));
            }
            catch (ModelException failure)
            {
                return ModelOutcome.Failed(failure);
            }
        }));
    }

    private async Task<ModelOutcome[]> InferTogetherAsync(ModelRun run, TensorQuestion[] questions, CancellationToken cancellationToken)
    {
        Tensor[] inputs = [.. questions[0].Tensors.Select((_, i) => Tensor.Concat([.. questions.Select(question => question.Tensors[i])]))];
        var outputs = await InferAsync(run, inputs, cancellationToken);
        var rows = inputs[0].Type.Shape[0];
        if (outputs.Any(output => output.Type.Shape is not [var first, ..] || first != rows))
        {
            throw EndpointFailures.NoAnswer("has another number of rows than the batch");
        }

        var next = 0L;
        return
        [
            .. questions.Select(question =>
            {
                var count = question.Tensors[0].Type.Shape[0];
                var answer = Answer(question, [.. outputs.Select(output => output.Slice(next, count))]);
                next += count;
                return ModelOutcome.Answered(answer);
            }),
        ];
    }

    private async Task<ModelAnswer> InferAsync(ModelRun run, TensorQuestion question, CancellationToken cancellationToken) =>
        question.Whole is { } whole && PassOnAsync(run, whole, cancellationToken) is { } passedOn
            ? await passedOn
            : Answer(question, await InferAsync(run, question.Tensors, cancellationToken));

    /// <exception cref="ModelException">The ticket does not ask what the model takes.</exception>
    private TensorQuestion Read(Payload input)
    {
        try
        {
            return input.IsJson ? ReadJson(input.Text) : ReadText(input.Text);
        }
        catch (Exception exception) when (exception is FormatException or InvalidOperationException)
        {
            throw EndpointFailures.Final($"The input {(exception is FormatException ? exception.Message : "has half a character")}");
        }
    }

    private TensorQuestion ReadJson(string text)
    {
        var json = JsonElement.Parse(text);
        if (json.ValueKind != JsonValueKind.Object)
        {
            return Inputs is [var only]
                ? TensorQuestion.Of([(only, json)])
                : throw new FormatException("must be an object with the model's inputs");
        }

        if (json.TryGetProperty("inputs", out var inputs) && !Inputs.Any(type => type.Name == "inputs"))
        {
            return inputs.ValueKind == JsonValueKind.Array && inputs.GetArrayLength() > 0
                ? new([.. inputs.EnumerateArray().Select(tensor => Tensor.FromObject(tensor, Inputs))], 0)
                {
                    Whole = Encoding.UTF8.GetBytes(text),
                }
                : throw new FormatException("must have an array of inputs");
        }

        return json.EnumerateObject().Count() == Inputs.Count && Inputs.All(type => json.TryGetProperty(type.Name, out _))
            ? TensorQuestion.Of(Inputs.Select(type => (type, json.GetProperty(type.Name))))
            : throw new FormatException($"must be an object with {string.Join(", ", Inputs.Select(type => $"{type.Name} ({type})"))}");
    }
}

/// <summary>What a ticket asks of a model of tensors.</summary>
/// <param name="Tensors">The inputs.</param>
/// <param name="Added">How many dimensions of 1 they got, which the outputs lose.</param>
internal sealed record TensorQuestion(IReadOnlyList<Tensor> Tensors, int Added)
{
    /// <summary>Whether it is a text, and wants one.</summary>
    public bool IsText { get; init; }

    /// <summary>The request as the ticket has it, if it has the protocol's form.</summary>
    public byte[]? Whole { get; init; }

    /// <summary>What must be the same in a batch.</summary>
    public string RowShape =>
        string.Join(' ', Tensors.Select(tensor => $"{tensor.Type.Name}[{string.Join(',', tensor.Type.Shape.Skip(1))}]"));

    /// <summary>Arrays by input.</summary>
    /// <exception cref="FormatException">They are not what the model takes.</exception>
    public static TensorQuestion Of(IEnumerable<(TensorType Type, JsonElement Value)> inputs, bool isText = false)
    {
        var tensors = inputs.Select(input => Tensor.FromArrays(input.Type, input.Value)).ToArray();
        return new([.. tensors.Select(tensor => tensor.Tensor)], tensors.Min(tensor => tensor.Added)) { IsText = isText };
    }

    /// <summary>The response: in the protocol's form if it was asked so; else the arrays of one output, or an object with all.</summary>
    public ModelAnswer Answer(IReadOnlyList<Tensor> outputs) =>
        IsText && outputs is [{ Type.DataType: "BYTES", Data: [var text] }]
            ? EndpointFailures.Answer(text)
            : EndpointFailures.Answer(JsonElement.Parse(Written(writer =>
            {
                if (Whole is not null)
                {
                    WriteTensors(writer, "outputs", outputs);
                    return;
                }

                if (outputs is [var only])
                {
                    only.WriteArrays(writer, Added);
                    return;
                }

                writer.WriteStartObject();
                foreach (var output in outputs)
                {
                    writer.WritePropertyName(output.Type.Name);
                    output.WriteArrays(writer, Added);
                }

                writer.WriteEndObject();
            })));

    /// <summary>Tensors in the protocol's form.</summary>
    public static byte[] Request(IReadOnlyList<Tensor> inputs) => Written(writer => WriteTensors(writer, "inputs", inputs));

    private static void WriteTensors(Utf8JsonWriter writer, string name, IReadOnlyList<Tensor> tensors)
    {
        writer.WriteStartObject();
        writer.WriteStartArray(name);
        foreach (var tensor in tensors)
        {
            tensor.WriteTo(writer);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static byte[] Written(Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter writer = new(buffer))
        {
            write(writer);
        }

        return buffer.WrittenSpan.ToArray();
    }
}
