using System.Collections.Concurrent;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using TicketApp.ServiceDefaults;
using TicketApp.Worker;
using TicketApp.Worker.Models;
using TicketApp.Worker.Models.Chat;

namespace TicketApp.Tests.Models;

/// <summary>The chat model as a worker has it, with all that it writes to the log.</summary>
internal sealed class ChatHost : IDisposable, IProgress<ModelProgress>
{
    private readonly IHost _host;
    private readonly LogLines _log = new();
    private readonly ConcurrentQueue<string> _progress = [];

    public ChatHost(string connectionString, params IEnumerable<KeyValuePair<string, string?>> settings)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection([new("ConnectionStrings:chat", connectionString), .. settings]);
        builder.Logging.AddProvider(_log).SetMinimumLevel(LogLevel.Trace);
        builder.AddServiceDefaults();
        builder.AddChatModel();
        _host = builder.Build();
        Model = _host.Services.GetRequiredService<IModel>();
    }

    public IModel Model { get; }

    public WorkerOptions WorkerOptions => _host.Services.GetRequiredService<IOptions<WorkerOptions>>().Value;

    public string Log => string.Join('\n', _log.Lines);

    /// <summary>The texts that it reported, in order.</summary>
    public IReadOnlyList<string> Progress => [.. _progress];

    /// <param name="input">What is asked.</param>
    /// <param name="cancellationToken">Stops the run.</param>
    /// <param name="time">How much it has; none: it cannot wait until an endpoint takes requests again.</param>
    /// <param name="deadline">How much its ticket has.</param>
    public Task<ModelAnswer> RunAsync(
        string input, CancellationToken cancellationToken, TimeSpan time = default, TimeSpan? deadline = null) =>
        Model.RunAsync(
            new(Guid.NewGuid(), input, 1, this)
            {
                Ends = DateTimeOffset.UtcNow + time,
                Deadline = deadline is { } left ? DateTimeOffset.UtcNow + left : DateTimeOffset.MaxValue,
            },
            cancellationToken).AsTask();

    public void Report(ModelProgress value) => _progress.Enqueue(value.Text!);

    public void Dispose()
    {
        _host.Dispose();
        _log.Dispose();
    }

    private sealed class LogLines : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Enqueue($"{formatter(state, exception)} {exception}");

        public void Dispose()
        {
        }
    }
}
