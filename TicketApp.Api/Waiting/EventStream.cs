using System.Buffers;
using System.Text;
using System.Text.Json.Serialization.Metadata;
using TicketApp.Api.Http;

namespace TicketApp.Api.Waiting;

/// <summary>Writes server-sent events to a response.</summary>
internal sealed class EventStream(HttpResponse response)
{
    public const string ContentType = "text/event-stream";

    public void Begin()
    {
        response.ContentType = ContentType;
        // Proxies of the nginx family otherwise keep events back until a buffer is full.
        response.Headers["X-Accel-Buffering"] = "no";
    }

    /// <summary>Sends one event; JSON has no line breaks outside of strings, and none unescaped in them.</summary>
    public async Task SendAsync<T>(string name, string? id, T data, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        var head = id is null ? $"event: {name}\ndata: " : $"event: {name}\nid: {id}\ndata: ";
        Encoding.UTF8.GetBytes(head, response.BodyWriter);
        ApiJson.Write(response.BodyWriter, data, type);
        response.BodyWriter.Write("\n\n"u8);
        await response.BodyWriter.FlushAsync(cancellationToken);
    }

    /// <summary>Sends a comment, which shows everyone on the way that the connection lives.</summary>
    public async Task CommentAsync(CancellationToken cancellationToken)
    {
        response.BodyWriter.Write(":\n\n"u8);
        await response.BodyWriter.FlushAsync(cancellationToken);
    }
}
