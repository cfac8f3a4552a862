using TicketApp.Tests.Fixtures;
using TicketApp.Worker.Models.Endpoints;

namespace TicketApp.Tests.Page;

/// <summary>A model of a worker that declares the JSON Schema of its input, and answers with JSON.</summary>
internal sealed class PainterModel : IAsyncDisposable
{
    private const string Schema =
        """
        {
          "title": "Picture", "description": "What to paint, and how.", "type": "object", "required": ["prompt"],
          "additionalProperties": false,
          "properties": {
            "prompt": { "type": "string", "title": "Prompt", "description": "What is to be seen." },
            "style": { "title": "Style", "enum": ["oil", "ink", "charcoal"], "default": "ink" },
            "steps": { "type": "integer", "title": "Steps", "minimum": 1, "maximum": 50, "default": 20 },
            "sizes": {
              "type": "array", "title": "Sizes", "items": { "type": "integer", "multipleOf": 8 }, "default": [512, 512],
              "description": "Width and height, each a multiple of 8."
            },
            "safe": { "type": "boolean", "title": "Safe", "default": true, "description": "Refuse what is not for everyone." }
          }
        }
        """;

    private readonly ModelServer _server;
    private readonly TestWorker _worker;

    private PainterModel(ModelServer server, TestWorker worker) => (_server, _worker) = (server, worker);

    /// <summary>Starts its server, and a worker that serves it under this name.</summary>
    public static async Task<PainterModel> StartAsync(RunningApp app, string name)
    {
        var server = await ModelServer.StartAsync(
            exchange => exchange.AnswerAsync("""{"image":"https://pictures.example/7.png","seed":12345678901234567890}"""));
        var worker = await TestWorker.StartAsync(
            app, name, builder => builder.AddConfiguredModels(),
            new($"Models:{name}:Kind", "http"), new($"Models:{name}:Url", server.Url), new($"Models:{name}:InputSchema", Schema),
            new($"Models:{name}:Description", "Paints what you say"));
        return new(server, worker);
    }

    public async ValueTask DisposeAsync()
    {
        await _worker.DisposeAsync();
        await _server.DisposeAsync();
    }
}
