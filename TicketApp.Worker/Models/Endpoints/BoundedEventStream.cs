namespace TicketApp.Worker.Models.Endpoints;

/// <summary>A stream of server-sent events, which are read whole. It breaks off at an event that would fill the memory.</summary>
internal sealed class BoundedEventStream(Stream events) : Stream
{
    // An answer of the longest length in a single event, each character escaped.
    public const int MaxEvent = 8 * 1024 * 1024;

    private int _sinceEnd;
    private bool _endsLine;

    /// <summary>What is thrown for <paramref name="what"/> over <see cref="MaxEvent"/>.</summary>
    public static ModelException TooLarge(string what) =>
        new($"The endpoint sent an {what} of more than {MaxEvent / 1024 / 1024} MiB") { IsFinal = true };

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await events.ReadAsync(buffer, cancellationToken);
        Count(buffer.Span[..read]);
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count)
    {
        var read = events.Read(buffer, offset, count);
        Count(buffer.AsSpan(offset, read));
        return read;
    }

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            events.Dispose();
        }

        base.Dispose(disposing);
    }

    // An event ends with an empty line, whose parts may come one by one.
    private void Count(ReadOnlySpan<byte> read)
    {
        if (read.IsEmpty)
        {
            return;
        }

        var end = Math.Max(read.LastIndexOf("\n\n"u8), read.LastIndexOf("\r\n\r\n"u8));
        end = end < 0 && _endsLine && (read[0] == '\n' || read.StartsWith("\r\n"u8)) ? 0 : end;
        _endsLine = read[^1] == '\n';
        _sinceEnd = end < 0 ? _sinceEnd + read.Length : read.Length - end;
        if (_sinceEnd > MaxEvent)
        {
            throw TooLarge("event");
        }
    }
}
