using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace TicketApp.Api.Waiting;

/// <summary>Writes server-sent events to a response.</summary>
internal sealed class EventStream(HttpResponse response)
{
    public const string ContentType = "text/event-stream";

    public void Begin()
    {
        response.ContentType = ContentType;
        response.Headers.CacheControl = "no-store";
        // Proxies of the nginx family otherwise keep events back until a buffer is full.
        response.Headers["X-Accel-Buffering"] = "no";
    }

    /// <summary>Sends one event; JSON has no line breaks outside of strings, and none unescaped in them.</summary>
    public async Task SendAsync<T>(string name, string? id, T data, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        var head = id is null ? $"event: {name}\ndata: " : $"event: {name}\nid: {id}\ndata: ";
        await WriteAsync([.. Encoding.UTF8.GetBytes(head), .. JsonSerializer.SerializeToUtf8Bytes(data, type), .. "\n\n"u8], cancellationToken);
    }

    /// <summary>Sends a comment, which shows everyone on the way that the connection lives.</summary>
    public Task CommentAsync(CancellationToken cancellationToken) => WriteAsync(":\n\n"u8.ToArray(), cancellationToken);

    private async Task WriteAsync(byte[] bytes, CancellationToken cancellationToken)
    {
        await response.Body.WriteAsync(bytes, cancellationToken);
        await response.Body.FlushAsync(cancellationToken);
    }
}
