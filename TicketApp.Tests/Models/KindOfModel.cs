using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Models;

/// <summary>A kind of model at an endpoint, with a server that behaves: it answers a text with the same text.</summary>
internal static class KindOfModel
{
    public static IReadOnlyList<string> All { get; } = ["chat", "http", "open-inference", "replicate-http"];

    /// <summary>The settings of a model.</summary>
    public static IReadOnlyList<KeyValuePair<string, string?>> Settings(string kind, string url, string name = "test") =>
    [
        new($"Models:{name}:Kind", kind),
        new($"Models:{name}:Url", url),
        .. kind switch
        {
            "chat" or "open-inference" => (IEnumerable<KeyValuePair<string, string?>>)[new($"Models:{name}:Model", "test")],
            "replicate-http" => [new($"Models:{name}:TextInput", "text")],
            _ => [],
        },
    ];

    /// <summary>The texts that a request asks the model, as JSON: one, or those of a batch.</summary>
    public static IReadOnlyList<string> Inputs(string kind, ModelExchange exchange) => kind switch
    {
        "chat" => [exchange.Json["messages"]![0]!["content"]!.ToJsonString()],
        "http" => [exchange.Body],
        "open-inference" => [.. exchange.Json["inputs"]![0]!["data"]!.AsArray().Select(text => text!.ToJsonString())],
        _ => [exchange.Json["input"]!["text"]!.ToJsonString()],
    };

    /// <summary>Answers as a server of the kind does.</summary>
    public static Task AnswerAsync(string kind, ModelExchange exchange) => kind switch
    {
        "chat" => AnswerChatAsync(exchange),
        "http" => exchange.AnswerAsync(exchange.Body),
        "open-inference" => AnswerInferenceAsync(exchange),
        _ => AnswerPredictionAsync(exchange),
    };

    private static async Task AnswerChatAsync(ModelExchange exchange)
    {
        var text = Inputs("chat", exchange)[0];
        exchange.Response.ContentType = "text/event-stream";
        await exchange.WriteAsync($$$"""data: {"choices":[{"delta":{"content":{{{text}}}},"finish_reason":"stop"}]}""");
        await exchange.WriteAsync("\n\ndata: [DONE]\n\n");
    }

    private static Task AnswerInferenceAsync(ModelExchange exchange) => exchange.AnswerAsync((exchange.Method, exchange.Path) switch
    {
        ("GET", "/v2/health/ready" or "/v2/models/test/ready") => "",
        ("GET", "/v2/models/test") =>
            """
            {"name":"test","inputs":[{"name":"x","datatype":"BYTES","shape":[-1]}],
            "outputs":[{"name":"y","datatype":"BYTES","shape":[-1]}]}
            """,
        _ => Outputs(Inputs("open-inference", exchange)),
    });

    private static string Outputs(IReadOnlyList<string> texts) =>
        $$"""
        {"model_name":"test","outputs":[{"name":"y","datatype":"BYTES","shape":[{{texts.Count}}],"data":[{{string.Join(',', texts)}}]}]}
        """;

    private static Task AnswerPredictionAsync(ModelExchange exchange) => exchange.AnswerAsync(exchange.Method switch
    {
        "GET" => """{"status":"READY"}""",
        "POST" => "{}",
        _ => $$"""{"status":"succeeded","output":{{Inputs("replicate-http", exchange)[0]}}}""",
    });
}
