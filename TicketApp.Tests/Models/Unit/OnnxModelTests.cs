using System.Reflection;
using System.Text.Json.Nodes;
using TicketApp.Messaging;
using TicketApp.Tests.Fixtures;
using TicketApp.Worker.Models;
using TicketApp.Worker.Onnx;

namespace TicketApp.Tests.Models.Unit;

/// <summary>Models of the kind <c>onnx</c>, with small networks that the tests write themselves.</summary>
public sealed class OnnxModelTests : IDisposable
{
    private readonly List<string> _files = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _files.ForEach(File.Delete);

    [Fact]
    public async Task A_network_takes_and_answers_arrays()
    {
        // y = x * w + b, of two numbers in each row.
        using var host = await HostAsync(OnnxFile.Create(
            [("x", OnnxFile.Float, [-1, 2])], [("y", OnnxFile.Float, [-1, 1])],
            [("w", [10, 100], [2, 1]), ("b", [0.5f], [1])],
            OnnxFile.Node("MatMul", ["x", "w"], "m"), OnnxFile.Node("Add", ["m", "b"], "y")));

        Assert.Equal("[210.5]", (await host.RunAsync(Json("[1,2]"), Cancel)).Response.Text);
        Assert.Equal("[[210.5],[430.5]]", (await host.RunAsync(Json("""{"x":[[1,2],[3,4]]}"""), Cancel)).Response.Text);
        var answer = await host.RunAsync(Json("""{"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[1,2]}]}"""), Cancel);
        Assert.Equal("""{"outputs":[{"name":"y","datatype":"FP32","shape":[1,1],"data":[210.5]}]}""", answer.Response.Text);
    }

    [Fact]
    public async Task Tickets_of_one_shape_run_together()
    {
        using var host = await HostAsync(
            OnnxFile.Create(
                [("x", OnnxFile.Float, [-1, -1])], [("y", OnnxFile.Float, [-1, -1])], [], OnnxFile.Node("Neg", ["x"], "y")),
            "LargestBatch=4");

        var outcomes = await ((IBatchModel)host.Model).RunBatchAsync(
            [host.Run(Json("[1,2]")), host.Run(Json("[3]")), host.Run(Json("true")), host.Run(Json("[[4,5],[6,7]]"))], Cancel);

        Assert.Equal(["[-1,-2]", "[-3]", null, "[[-4,-5],[-6,-7]]"], outcomes.Select(outcome => outcome.Answer?.Response.Text));
        Assert.True(Assert.IsType<ModelException>(outcomes[2].Failure).IsFinal);
    }

    [Theory]
    [InlineData(OnnxFile.Bool, "[true,false]")]
    [InlineData(2, "[0,255]")]
    [InlineData(3, "[-128,127]")]
    [InlineData(4, "[0,65535]")]
    [InlineData(5, "[-32768,32767]")]
    [InlineData(6, "[-2147483648,2147483647]")]
    [InlineData(OnnxFile.Int64, "[-9223372036854775808,9223372036854775807]")]
    [InlineData(OnnxFile.Text, """["a","\u00FC"]""")]
    [InlineData(10, "[0.5,-65504]")]
    [InlineData(11, "[1E+308,0.1]")]
    [InlineData(12, "[0,4294967295]")]
    [InlineData(13, "[0,18446744073709551615]")]
    public async Task Values_of_each_type_go_in_and_out(int type, string values)
    {
        using var host = await HostAsync(OnnxFile.Create(
            [("x", type, [2])], [("y", type, [2])], [], OnnxFile.Node("Identity", ["x"], "y")));

        Assert.Equal(values, (await host.RunAsync(Json(values), Cancel)).Response.Text);
    }

    [Fact]
    public async Task A_number_that_is_none_fails_the_ticket_for_good()
    {
        using var host = await HostAsync(OnnxFile.Create(
            [("x", OnnxFile.Float, [1])], [("y", OnnxFile.Float, [1])], [], OnnxFile.Node("Sqrt", ["x"], "y")));

        var exception = await Assert.ThrowsAsync<ModelException>(() => host.RunAsync(Json("[-1]"), Cancel));

        Assert.True(exception.IsFinal);
        Assert.Contains("output y has NaN or infinity", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_that_is_told_to_stop_ends_within_the_network()
    {
        // A minute of products of matrices.
        const int Side = 1500;
        string[] products = [.. Enumerable.Range(0, 400).Select(i => $"p{i}")];
        using var host = await HostAsync(OnnxFile.Create(
            [("x", OnnxFile.Float, [1, 1])], [("y", OnnxFile.Float, [1, 1])],
            [("column", new float[Side], [Side, 1]), ("row", new float[Side], [1, Side])],
            [
                OnnxFile.Node("MatMul", ["column", "x"], "c"), OnnxFile.Node("MatMul", ["c", "row"], "m"),
                .. products.Select((product, i) => OnnxFile.Node("MatMul", [i == 0 ? "m" : products[i - 1], "m"], product)),
                OnnxFile.Node("ReduceMean", [products[^1]], "z", ("axes", true, 0)),
                OnnxFile.Node("ReduceMean", ["z"], "y", ("axes", true, 1)),
            ]));
        using CancellationTokenSource stop = new(TimeSpan.FromSeconds(0.5));

        var run = Task.Run(() => host.RunAsync(Json("1"), stop.Token), Cancel);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.WaitAsync(TimeSpan.FromSeconds(20), Cancel));
    }

    [Fact]
    public async Task What_the_network_cannot_run_fails_for_good_and_alone()
    {
        using var host = await HostAsync(
            OnnxFile.Create(
                [("x", OnnxFile.Int64, [-1])], [("y", OnnxFile.Float, [-1])], [("table", [10, 20, 30], [3])],
                OnnxFile.Node("Gather", ["table", "x"], "y")),
            "LargestBatch=4");

        var outcomes = await ((IBatchModel)host.Model).RunBatchAsync([host.Run(Json("2")), host.Run(Json("777"))], Cancel);

        Assert.Equal("30", outcomes[0].Answer?.Response.Text);
        var failure = Assert.IsType<ModelException>(outcomes[1].Failure);
        Assert.True(failure.IsFinal);
        Assert.StartsWith("The network failed", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("777", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_network_whose_output_has_other_rows_than_the_batch_runs_each_by_itself()
    {
        using var host = await HostAsync(
            OnnxFile.Create(
                [("x", OnnxFile.Float, [-1, 2])], [("y", OnnxFile.Float, [-1, 2])], [],
                OnnxFile.Node("ReduceMean", ["x"], "y", ("axes", true, 0))),
            "LargestBatch=4");

        var outcomes = await ((IBatchModel)host.Model).RunBatchAsync([host.Run(Json("[1,2]")), host.Run(Json("[3,4]"))], Cancel);

        Assert.Equal(["[1,2]", "[3,4]"], outcomes.Select(outcome => outcome.Answer?.Response.Text));
    }

    [Fact]
    public async Task As_many_labels_as_the_network_has_classes_are_needed()
    {
        using var host = await HostAsync(
            OnnxFile.Create([("x", OnnxFile.Float, [3])], [("y", OnnxFile.Float, [3])], [], OnnxFile.Node("Neg", ["x"], "y")),
            "Labels:0=happy", "Labels:1=sad");

        var exception = await Assert.ThrowsAsync<ModelException>(() => host.RunAsync(Json("[1,2,3]"), Cancel));

        Assert.Equal((true, "The network answers 3 numbers, and Labels has 2 names"), (exception.IsFinal, exception.Message));
    }

    [Fact]
    public async Task A_file_that_is_no_network_is_not_served()
    {
        var file = NewFile("broken.onnx");
        await File.WriteAllTextAsync(file, "<html>", Cancel);

        await Assert.ThrowsAnyAsync<Exception>(() => HostAsync(file));
    }

    [Theory]
    [InlineData("good film", "happy")]
    [InlineData("Bad, bad FILM", "sad")]
    public async Task A_text_is_read_by_the_tokenizer_and_the_answer_is_a_label(string text, string label)
    {
        // The mean of two scores of each word.
        var vocabulary = NewFile("vocab.txt");
        await File.WriteAllLinesAsync(vocabulary, ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "film", ","], Cancel);
        float[] scores = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 6, 0, 0, 0, 0];
        using var host = await HostAsync(
            OnnxFile.Create(
                [("input_ids", OnnxFile.Int64, [-1, -1]), ("attention_mask", OnnxFile.Int64, [-1, -1])],
                [("logits", OnnxFile.Float, [-1, 2])],
                [("scores", scores, [9, 2])],
                OnnxFile.Node("Gather", ["scores", "input_ids"], "words"),
                OnnxFile.Node("ReduceMean", ["words"], "logits", ("axes", true, 1), ("keepdims", false, 0))),
            $"Tokenizer={vocabulary}", "Labels:0=happy", "Labels:1=sad");

        var answer = await host.RunAsync(text, Cancel);

        Assert.Equal(new Payload(label, IsJson: false), answer.Response);
        Assert.InRange((double)answer.Details!["probabilities"]![label]!, 0.75, 1);
        Assert.Equal(1, answer.Details["probabilities"]!.AsObject().Sum(probability => (double)probability.Value!), 3);
    }

    [Theory]
    [InlineData("Tokenizer=/no/vocab.txt", "Models:test:Tokenizer must be a file")]
    [InlineData("Threads=0", "Models:test.Threads")]
    public async Task A_setting_that_cannot_be_right_is_named(string setting, string message)
    {
        var network = OnnxFile.Create(
            [("x", OnnxFile.Float, [1])], [("y", OnnxFile.Float, [1])], [], OnnxFile.Node("Neg", ["x"], "y"));

        var exception = await Assert.ThrowsAnyAsync<InvalidOperationException>(() => HostAsync(network, setting));

        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_not_there_is_named()
    {
        var exception = await Assert.ThrowsAnyAsync<InvalidOperationException>(() => HostAsync("/no/such.onnx"));

        Assert.Equal("Models:test:Path must be a file; there is no '/no/such.onnx'.", exception.Message);
    }

    /// <summary>ResNet-18 without its last layer, as ML.NET has it: 512 features of a picture.</summary>
    [Fact]
    public async Task A_network_that_was_trained_answers_about_a_picture()
    {
        var package = typeof(OnnxModelTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .FirstOrDefault(attribute => attribute.Key == "ResNet18")?.Value;
        var network = Directory.Exists(package)
            ? Directory.EnumerateFiles(package, "ResNet18.onnx", SearchOption.AllDirectories).FirstOrDefault()
            : null;
        Assert.SkipWhen(network is null, "The package with ResNet-18 is not there.");
        using var host = await HostAsync(network!, "MaxInputCharacters=1000000", "Threads=2");
        var side = Enumerable.Range(0, 224);
        var rows = string.Join(',', side.Select(y => $"[{string.Join(',', side.Select(x => (x ^ y) & 1))}]"));
        var picture = Json($"[[{rows}],[{rows}],[{rows}]]");

        var features = JsonNode.Parse((await host.RunAsync(picture, Cancel)).Response.Text)!.AsArray();

        Assert.Equal(512, features.Count);
        var numbers = features.Select(feature => (double)feature![0]![0]!).ToArray();
        Assert.All(numbers, number => Assert.InRange(number, 0, 100));
        Assert.True(numbers.Distinct().Count() > 100);
    }

    private static Payload Json(string json) => new(json, IsJson: true);

    private string NewFile(string name)
    {
        var path = Path.Combine(Path.GetTempPath(), $"ticketapp-{Guid.NewGuid():N}-{name}");
        _files.Add(path);
        return path;
    }

    private async Task<ModelHost> HostAsync(string network, params IEnumerable<string> settings)
    {
        if (network.StartsWith(Path.GetTempPath(), StringComparison.Ordinal))
        {
            _files.Add(network);
        }

        ModelHost host = new(
            [
                new("Models:test:Kind", "onnx"), new("Models:test:Path", network),
                .. settings.Select(setting => setting.Split('=', 2))
                    .Select(setting => new KeyValuePair<string, string?>($"Models:test:{setting[0]}", setting[1])),
            ],
            [OnnxModel.Kind]);
        await host.Model.WarmUpAsync(Cancel);
        return host;
    }
}
