using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace TicketApp.Api.Http;

/// <summary>
/// Explains what Kestrel itself refuses, because it cannot be read as a request: a path with <c>%00</c>, headers that are too large.
/// Kestrel has no hook for that. It writes a head without a body and closes the connection; that head is recognized on its way out and
/// gets a body.
/// </summary>
internal static class MalformedRequests
{
    public static void ExplainMalformedRequests(this KestrelServerOptions kestrel) =>
        kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Use(next => connection =>
        {
            connection.Transport = new Transport(connection.Transport);
            return next(connection);
        }));

    /// <summary>The head of a refusal with a body; null for anything else.</summary>
    private static byte[]? Explain(ReadOnlySpan<byte> written)
    {
        const string NoBody = "Content-Length: 0\r\n";
        const string Safe = "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n";
        // All answers of the application have X-Content-Type-Options.
        if (!written.StartsWith("HTTP/1.1 4"u8) || !written.EndsWith("\r\n\r\n"u8) || written.IndexOf("X-Content-Type-Options"u8) >= 0)
        {
            return null;
        }

        var head = Encoding.ASCII.GetString(written);
        if (!head.Contains(NoBody, StringComparison.Ordinal)
            || !head.Contains("Connection: close\r\n", StringComparison.Ordinal)
            || !int.TryParse(head.AsSpan("HTTP/1.1 ".Length, 3), NumberStyles.None, CultureInfo.InvariantCulture, out var status))
        {
            return null;
        }

        var body = ApiJson.Serialize(ProblemAnswers.OfStatus(status), ApiJson.Default.Problem);
        var headers = string.Create(
            CultureInfo.InvariantCulture,
            $"Content-Type: {Problem.ContentType}\r\nContent-Length: {body.Length}\r\n{Safe}");
        return [.. Encoding.ASCII.GetBytes(head.Replace(NoBody, headers, StringComparison.Ordinal)), .. body];
    }

    private sealed class Transport(IDuplexPipe inner) : IDuplexPipe
    {
        public PipeReader Input => inner.Input;

        public PipeWriter Output { get; } = new Writer(inner.Output);
    }

    private sealed class Writer(PipeWriter inner) : PipeWriter
    {
        private Memory<byte> _memory;

        public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

        public override long UnflushedBytes => inner.UnflushedBytes;

        public override Memory<byte> GetMemory(int sizeHint = 0) => _memory = inner.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

        public override void Advance(int bytes)
        {
            if (Explain(_memory.Span[..bytes]) is { } explained)
            {
                inner.Write(explained);
            }
            else
            {
                inner.Advance(bytes);
            }
        }

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
            inner.FlushAsync(cancellationToken);

        public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default) =>
            inner.WriteAsync(source, cancellationToken);

        public override void CancelPendingFlush() => inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);
    }
}
