using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Models;

/// <summary>A kind of model at an endpoint, with a server that behaves: it answers a text with the same text.</summary>
internal static class KindOfModel
{
    public static IReadOnlyList<string> All { get; } = ["chat", "http", "open-inference", "replicate-http"];

    /// <summary>The settings of a model <c>test</c>.</summary>
    public static IReadOnlyList<KeyValuePair<string, string?>> Settings(string kind, string url) =>
    [
        new("Models:test:Kind", kind),
        new("Models:test:Url", url),
        .. kind switch
        {
            "chat" => (IEnumerable<KeyValuePair<string, string?>>)[new("Models:test:Model", "echo")],
            "replicate-http" => [new("Models:test:TextInput", "text")],
            _ => [],
        },
    ];

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
        var text = exchange.Json["messages"]![0]!["content"]!.ToJsonString();
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
        _ =>
            $$"""
            {"model_name":"test","outputs":[{"name":"y","datatype":"BYTES","shape":[1],
            "data":{{exchange.Json["inputs"]![0]!["data"]!.ToJsonString()}}}]}
            """,
    });

    private static Task AnswerPredictionAsync(ModelExchange exchange) => exchange.AnswerAsync(exchange.Method switch
    {
        "GET" => """{"status":"READY"}""",
        "POST" => "{}",
        _ => $$"""{"status":"succeeded","output":{{exchange.Json["input"]!["text"]!.ToJsonString()}}}""",
    });
}
