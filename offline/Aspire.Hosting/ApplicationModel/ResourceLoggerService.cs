using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.ApplicationModel;

public readonly record struct LogLine(int LineNumber, string Content, bool IsErrorMessage);

/// <summary>The output of every instance: the latest lines are kept for those who look later.</summary>
public class ResourceLoggerService
{
    private readonly ConcurrentDictionary<string, ResourceLog> _logs = new(StringComparer.OrdinalIgnoreCase);

    internal event Action<string, LogLine>? LineLogged;

    public ILogger GetLogger(IResource resource) => GetLogger(resource.Name);

    public ILogger GetLogger(string resourceName) => Log(resourceName);

    public IAsyncEnumerable<IReadOnlyList<LogLine>> GetAllAsync(IResource resource) => GetAllAsync(resource.Name);

    public async IAsyncEnumerable<IReadOnlyList<LogLine>> GetAllAsync(string resourceName)
    {
        await Task.CompletedTask;
        yield return Log(resourceName).Snapshot();
    }

    public IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAsync(IResource resource) => WatchAsync(resource.Name);

    public IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAsync(string resourceName) => Log(resourceName).WatchAsync();

    internal void Append(string resourceId, string content, bool isError) => Log(resourceId).Append(content, isError);

    private ResourceLog Log(string resourceId) => _logs.GetOrAdd(resourceId, id => new ResourceLog(line => LineLogged?.Invoke(id, line)));

    private sealed class ResourceLog(Action<LogLine> onLine) : ILogger
    {
        private const int BacklogLines = 10_000;
        private const int MostAtOnce = 1_000;

        private readonly Lock _lock = new();
        private readonly Queue<LogLine> _backlog = [];
        private readonly List<Channel<LogLine>> _watchers = [];
        private int _count;

        public void Append(string content, bool isError)
        {
            LogLine line;
            lock (_lock)
            {
                line = new LogLine(++_count, content, isError);
                _backlog.Enqueue(line);
                if (_backlog.Count > BacklogLines)
                {
                    _backlog.Dequeue();
                }

                _watchers.ForEach(watcher => watcher.Writer.TryWrite(line));
            }

            onLine(line);
        }

        public IReadOnlyList<LogLine> Snapshot()
        {
            lock (_lock)
            {
                return [.. _backlog];
            }
        }

        public async IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            // Whoever reads more slowly than the resource writes misses lines; the log does not pile up for them.
            var channel = Channel.CreateBounded<LogLine>(new BoundedChannelOptions(BacklogLines) { FullMode = BoundedChannelFullMode.DropOldest });
            lock (_lock)
            {
                foreach (var line in _backlog)
                {
                    channel.Writer.TryWrite(line);
                }

                _watchers.Add(channel);
            }

            try
            {
                while (await channel.Reader.WaitToReadAsync(cancellationToken))
                {
                    var lines = new List<LogLine>();
                    while (lines.Count < MostAtOnce && channel.Reader.TryRead(out var line))
                    {
                        lines.Add(line);
                    }

                    yield return lines;
                }
            }
            finally
            {
                lock (_lock)
                {
                    _watchers.Remove(channel);
                }
            }
        }

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Append(exception is null ? formatter(state, null) : $"{formatter(state, exception)} {exception.Message}", logLevel >= LogLevel.Error);

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;
    }
}
