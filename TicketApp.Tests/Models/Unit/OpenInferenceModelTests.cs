using System.Globalization;
using System.Text.Json.Nodes;
using TicketApp.Messaging;
using TicketApp.Tests.Fixtures;
using TicketApp.Worker.Models;

namespace TicketApp.Tests.Models.Unit;

/// <summary>Models of the kind <c>open-inference</c>, with a server that takes nothing that the protocol does not say.</summary>
public sealed class OpenInferenceModelTests
{
    private const string Rows = "x:FP32[-1,2]";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("BOOL", "[true,false]", "[1,0]")]
    [InlineData("UINT8", "[0,255]", "[0,256]")]
    [InlineData("UINT16", "[0,65535]", "[-1,0]")]
    [InlineData("UINT32", "[0,4294967295]", "[0,4294967296]")]
    [InlineData("UINT64", "[0,18446744073709551615]", "[0,-1]")]
    [InlineData("INT8", "[-128,127]", "[-129,0]")]
    [InlineData("INT16", "[-32768,32767]", "[0,1.5]")]
    [InlineData("INT32", "[-2147483648,2147483647]", "[0,2147483648]")]
    [InlineData("INT64", "[-9223372036854775808,9223372036854775807]", "[0,\"1\"]")]
    [InlineData("FP16", "[0.5,-65504]", "[0.5,65536]")]
    [InlineData("FP32", "[1e38,0.1]", "[1e39,0.1]")]
    [InlineData("FP64", "[1e308,1.00]", "[1e309,1.00]")]
    [InlineData("BYTES", """["a","\u00FC"]""", "[\"a\",1]")]
    public async Task Values_of_each_type_go_in_and_out_as_they_are(string type, string good, string bad)
    {
        await using var server = await StartAsync($"x:{type}[2]");
        using var host = await HostAsync(server);

        var answer = await host.RunAsync(Json($$"""{"x":{{good}}}"""), Cancel);
        var exception = await Assert.ThrowsAsync<ModelException>(() => host.RunAsync(Json($$"""{"x":{{bad}}}"""), Cancel));

        Assert.Equal(Json(good), answer.Response);
        Assert.Equal((true, $"The input has a value that is no {type}"), (exception.IsFinal, exception.Message));
        Assert.Single(server.Asked);
    }

    /// <summary>The model's inputs, the ticket's, and the response; the outputs are the inputs.</summary>
    [Theory]
    [InlineData("x:FP32[2,2]", """{"x":[[1,2],[3,4]]}""", "[[1,2],[3,4]]")]
    [InlineData("x:FP32[2,2]", "[[1,2],[3,4]]", "[[1,2],[3,4]]")]
    [InlineData("x:FP32[-1,2]", "[[1,2]]", "[[1,2]]")]
    [InlineData("x:FP32[-1,2]", "[1,2]", "[1,2]")]
    [InlineData("x:FP32[1]", "7", "7")]
    [InlineData("x:INT64[-1,-1,1]", "[[[1]],[[2]]]", "[[[1]],[[2]]]")]
    [InlineData("x:FP32[-1];y:BYTES[-1]", """{"y":"a","x":1}""", """{"x":1,"y":"a"}""")]
    [InlineData("inputs:FP32[2]", """{"inputs":[1,2]}""", "[1,2]")]
    public async Task Arrays_have_the_shape_that_the_model_wants(string tensors, string input, string response)
    {
        await using var server = await StartAsync(tensors);
        using var host = await HostAsync(server);

        Assert.Equal(Json(response), (await host.RunAsync(Json(input), Cancel)).Response);
    }

    [Theory]
    [InlineData("x:FP32[2,2]", "[[1,2],[3]]", "rows of different lengths")]
    [InlineData("x:FP32[2,2]", "[[1,2],3]", "rows of different lengths")]
    [InlineData("x:FP32[2,2]", "[1,[2,3]]", "rows of different lengths")]
    [InlineData("x:FP32[2,2]", "[[1,2,3],[4,5,6]]", "shape [2,3] where the model takes FP32[2,2]")]
    [InlineData("x:FP32[-1]", "[]", "shape [0]")]
    [InlineData("x:FP32[2]", "[[1,2]]", "shape [1,2]")]
    [InlineData("x:FP32[2];y:FP32[2]", """{"x":[1,2]}""", "must be an object with x (FP32[2]), y (FP32[2])")]
    [InlineData("x:FP32[2];y:FP32[2]", "[1,2]", "must be an object")]
    [InlineData("x:FP32[2]", """{"z":[1,2]}""", "must be an object with x")]
    [InlineData("x:FP32[2]", """{"inputs":[]}""", "array of inputs")]
    [InlineData("x:FP32[2]", """{"inputs":[{"name":"x"}]}""", "name, datatype, shape and data")]
    [InlineData("x:FP32[2]", """{"inputs":[{"name":"x","datatype":"FP32","shape":[-2],"data":[1,2]}]}""", "a shape with something else")]
    [InlineData("x:FP32[2]", """{"inputs":[{"name":"x","datatype":"FP64","shape":[2],"data":[1,2]}]}""", "the model, which has: x FP32[2]")]
    [InlineData("x:FP32[2]", """{"inputs":[{"name":"x","datatype":"FP32","shape":[2],"data":[1,2,3]}]}""", "another size than its shape")]
    [InlineData("x:FP32[-1,-1]", """{"inputs":[{"name":"x","datatype":"FP32","shape":[2,2],"data":[[1,2,3,4]]}]}""", "another size")]
    public async Task An_input_that_the_model_does_not_take_is_refused_for_good(string tensors, string input, string reason)
    {
        await using var server = await StartAsync(tensors);
        using var host = await HostAsync(server);

        var exception = await Assert.ThrowsAsync<ModelException>(() => host.RunAsync(Json(input), Cancel));

        Assert.True(exception.IsFinal);
        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
        Assert.Empty(server.Asked);
    }

    [Fact]
    public async Task A_text_is_the_only_input_of_a_model_that_takes_texts_and_of_no_other()
    {
        await using var texts = await StartAsync("x:BYTES[-1,1]");
        await using var numbers = await StartAsync("x:FP32[-1]");
        using var host = await HostAsync(texts);
        using var other = await HostAsync(numbers);

        Assert.Equal(new Payload("h\u00fc", IsJson: false), (await host.RunAsync("h\u00fc", Cancel)).Response);
        Assert.True((await Assert.ThrowsAsync<ModelException>(() => other.RunAsync("1", Cancel))).IsFinal);
    }

    [Fact]
    public async Task A_request_of_the_protocol_is_passed_on_and_answered_as_it_is()
    {
        await using var server = await StartAsync("x:FP32[-1]");
        using var host = await HostAsync(server, "Version=3");

        var answer = await host.RunAsync(
            Json("""{"id":"7","parameters":{"p":1},"inputs":[{"name":"x","datatype":"FP32","shape":[2],"data":[1.0,2]}]}"""), Cancel);

        Assert.Equal(
            Json("""{"model_name":"m","outputs":[{"name":"x","datatype":"FP32","shape":[2],"data":[1.0,2]}]}"""), answer.Response);
        Assert.Equal("/v2/models/m/versions/3/infer", Assert.Single(server.Asked).Path);
        Assert.Equal("7", (string?)server.Asked[0].Json["id"]);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"outputs":[]}""")]
    [InlineData("""{"outputs":[7]}""")]
    [InlineData("""{"outputs":[{"name":"x","datatype":"FP32","shape":[2],"data":[1]}]}""")]
    [InlineData("""{"outputs":[{"name":"x","datatype":"FP32","shape":[2],"data":[1,"NaN"]}]}""")]
    [InlineData("""{"outputs":[{"name":"x","datatype":"FP32","shape":[2],"data":[1,NaN]}]}""")]
    [InlineData("""{"outputs":[{"name":"x","datatype":"FP32","shape":[3],"data":[1,2,3]}]}""")]
    [InlineData("""{"outputs":[{"name":"x","datatype":"FP64","shape":[2],"data":[1,2]}]}""")]
    [InlineData("""{"outputs":[{"name":"z","datatype":"FP32","shape":[2],"data":[1,2]}]}""")]
    [InlineData("""{"outputs":[{"name":"x","datatype":"FP32","shape":[99999999999,99999999999],"data":[1,2]}]}""")]
    public async Task An_answer_that_is_not_of_the_protocol_fails_the_attempt(string answer)
    {
        await using var server = await StartAsync("x:FP32[2]", exchange => exchange.AnswerAsync(answer));
        using var host = await HostAsync(server);

        var exception = await Assert.ThrowsAsync<ModelException>(() => host.RunAsync(Json("[1,2]"), Cancel));

        Assert.False(exception.IsFinal);
        Assert.StartsWith("The endpoint's answer ", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tickets_of_one_shape_share_a_request_and_each_gets_its_own_rows()
    {
        await using var server = await StartAsync("x:FP32[-1,-1]");
        using var host = await HostAsync(server, "LargestBatch=8");

        var outcomes = await BatchAsync(host, "[1,2]", "[[3,4],[5,6]]", "[7,8,9]", "\"no\"", "[[10,11]]");

        Assert.Equal(
            ["[1,2]", "[[3,4],[5,6]]", "[7,8,9]", null, "[[10,11]]"], outcomes.Select(outcome => outcome.Answer?.Response.Text));
        Assert.True(Assert.IsType<ModelException>(outcomes[3].Failure).IsFinal);
        var shapes = server.Asked.Select(asked => asked.Json["inputs"]![0]!["shape"]!.ToJsonString());
        Assert.Equal(["[1,3]", "[4,2]"], shapes.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Without_the_setting_and_for_a_model_of_fixed_shape_each_ticket_has_its_own_request()
    {
        await using var server = await StartAsync("x:FP32[2]");
        using var host = await HostAsync(server, "LargestBatch=8");

        var outcomes = await BatchAsync(host, "[1,2]", "[3,4]");

        Assert.Equal(["[1,2]", "[3,4]"], outcomes.Select(outcome => outcome.Answer?.Response.Text));
        Assert.Equal(2, server.Asked.Count);
        using var usual = await HostAsync(server);
        Assert.Equal(1, ((IBatchModel)usual.Model).LargestBatch);
    }

    [Theory]
    [InlineData("wrong number of rows")]
    [InlineData("refused")]
    public async Task What_is_wrong_with_a_batch_does_not_concern_those_that_are_right_by_themselves(string fault)
    {
        await using var server = await StartAsync(Rows, exchange =>
        {
            var input = exchange.Json["inputs"]![0]!;
            var isBad = exchange.Body.Contains("666", StringComparison.Ordinal);
            return fault == "refused" ? isBad ? exchange.AnswerAsync("""{"error":"no"}""", 400) : EchoAsync(exchange)
                : (int)input["shape"]![0]! == 1 && !isBad ? EchoAsync(exchange)
                : exchange.AnswerAsync("""{"outputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[0,0,0]}]}""");
        });
        using var host = await HostAsync(server, "LargestBatch=8");

        var outcomes = await BatchAsync(host, "[1,2]", "[666,0]", "[3,4]");

        Assert.Equal(["[1,2]", null, "[3,4]"], outcomes.Select(outcome => outcome.Answer?.Response.Text));
        Assert.Equal(fault == "refused", Assert.IsType<ModelException>(outcomes[1].Failure).IsFinal);
        Assert.Equal(4, server.Asked.Count);
    }

    [Fact]
    public async Task A_batch_that_the_server_has_no_time_for_is_not_charged()
    {
        await using var server = await StartAsync(Rows, exchange => exchange.AnswerAsync("{}", 503));
        using var host = await HostAsync(server, "LargestBatch=8");

        var outcomes = await BatchAsync(host, "[1,2]", "[3,4]");

        Assert.All(outcomes, outcome => Assert.True(Assert.IsType<ModelException>(outcome.Failure).IsRefused));
        Assert.Single(server.Asked);
    }

    [Fact]
    public async Task A_batch_that_nobody_waits_for_ends_its_request()
    {
        await using var server = await StartAsync(Rows, exchange => exchange.StallAsync());
        using var host = await HostAsync(server, "LargestBatch=8");
        using CancellationTokenSource stop = new();
        var batch = ((IBatchModel)host.Model).RunBatchAsync([host.Run(Json("[1,2]")), host.Run(Json("[3,4]"))], stop.Token).AsTask();
        await Eventually.IsTrueAsync("The server is asked", TimeSpan.FromSeconds(30), () => server.Asked.Count == 1);

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => batch);
        await server.Asked[0].Closed.WaitAsync(TimeSpan.FromSeconds(30), Cancel);
    }

    [Theory]
    [InlineData("/v2/health/ready", 503, "{}")]
    [InlineData("/v2/models/m/ready", 400, "{}")]
    [InlineData("/v2/models/m", 404, "{}")]
    [InlineData("/v2/models/m", 200, "<html>")]
    [InlineData("/v2/models/m", 200, """{"inputs":[{"name":"x"}]}""")]
    [InlineData("/v2/models/m", 200, """{"inputs":[{"name":"x","datatype":"FP32","shape":["many"]}]}""")]
    public async Task A_model_that_is_not_ready_is_not_served(string path, int status, string body)
    {
        await using var server = await StartAsync(Rows);
        await using var unready = await ModelServer.StartAsync(exchange =>
            exchange.Path == path ? exchange.AnswerAsync(body, status) : exchange.AnswerAsync("{}"));

        await Assert.ThrowsAsync<ModelException>(() => HostAsync(unready));
    }

    private static Payload Json(string json) => new(json, IsJson: !json.StartsWith('"'));

    private static async Task<IReadOnlyList<ModelOutcome>> BatchAsync(ModelHost host, params IEnumerable<string> inputs) =>
        await ((IBatchModel)host.Model).RunBatchAsync([.. inputs.Select(input => host.Run(Json(input)))], Cancel);

    private static async Task<ModelHost> HostAsync(ModelServer server, params IEnumerable<string> settings)
    {
        ModelHost host = new(
        [
            new("Models:test:Kind", "open-inference"), new("Models:test:Url", server.Url), new("Models:test:Model", "m"),
            .. settings.Select(setting => setting.Split('='))
                .Select(setting => new KeyValuePair<string, string?>($"Models:test:{setting[0]}", setting[1])),
        ]);
        await host.Model.WarmUpAsync(Cancel);
        return host;
    }

    /// <summary>A server with a model <c>m</c> that has such tensors, and answers with its inputs unless a test says otherwise.</summary>
    private static Task<ModelServer> StartAsync(string tensors, Func<ModelExchange, Task>? infer = null)
    {
        var types = new JsonArray(
        [
            .. tensors.Split(';').Select(tensor => tensor.Split(':', '[', ']')).Select(parts => new JsonObject
            {
                ["name"] = parts[0],
                ["datatype"] = parts[1],
                ["shape"] = JsonNode.Parse($"[{parts[2]}]"),
            }),
        ]);
        JsonObject metadata = new() { ["name"] = "m", ["platform"] = "test", ["inputs"] = types, ["outputs"] = types.DeepClone() };
        static string PathOf(ModelExchange exchange) => exchange.Path.Replace("/versions/3", "", StringComparison.Ordinal);
        return ModelServer.StartAsync(exchange => (exchange.Method, PathOf(exchange)) switch
        {
            ("GET", "/v2/health/ready" or "/v2/models/m/ready") => exchange.AnswerAsync("", contentType: "text/plain"),
            ("GET", "/v2/models/m") => exchange.AnswerAsync(metadata.ToJsonString()),
            ("POST", "/v2/models/m/infer") when Defect(exchange, types) is { } defect =>
                exchange.AnswerAsync(new JsonObject { ["error"] = defect }.ToJsonString(), 400),
            ("POST", "/v2/models/m/infer") => infer is null ? EchoAsync(exchange) : infer(exchange),
            _ => exchange.AnswerAsync("", 404),
        });
    }

    private static Task EchoAsync(ModelExchange exchange) =>
        exchange.AnswerAsync($$"""{"model_name":"m","outputs":{{exchange.Json["inputs"]!.ToJsonString()}}}""");

    /// <summary>Why a strict server refuses a request; null if it does not.</summary>
    private static string? Defect(ModelExchange exchange, JsonArray types)
    {
        var request = exchange.Json.AsObject();
        if (exchange.Headers["Content-Type"] != "application/json"
            || request.Any(member => member.Key is not ("id" or "parameters" or "inputs")))
        {
            return "an unknown member";
        }

        var inputs = request["inputs"]!.AsArray();
        if (inputs.Count != types.Count)
        {
            return "another number of inputs";
        }

        foreach (var input in inputs)
        {
            var type = types.SingleOrDefault(type => (string?)type!["name"] == (string?)input!["name"]);
            var shape = input!["shape"]!.AsArray().Select(size => (long)size!).ToArray();
            var expected = type?["shape"]!.AsArray().Select(size => (long)size!).ToArray();
            if (expected is null || (string?)type!["datatype"] != (string?)input["datatype"]
                || input.AsObject().Any(member => member.Key is not ("name" or "datatype" or "shape" or "data"))
                || shape.Length != expected.Length || shape.Zip(expected).Any(pair => pair.Second >= 0 && pair.First != pair.Second)
                || input["data"]!.AsArray().Count.ToString(CultureInfo.InvariantCulture)
                    != shape.Aggregate(1L, (count, size) => count * size).ToString(CultureInfo.InvariantCulture))
            {
                return "not the model's inputs";
            }
        }

        return null;
    }
}
