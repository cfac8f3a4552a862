using System.Collections.Concurrent;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using TicketApp.Messaging;
using TicketApp.ServiceDefaults;
using TicketApp.Tests.Fixtures;
using TicketApp.Worker;
using TicketApp.Worker.Models;
using TicketApp.Worker.Models.Endpoints;

namespace TicketApp.Tests.Models;

/// <summary>A configured model as a worker has it, with all that it writes to the log.</summary>
internal class ModelHost : IDisposable, IProgress<ModelProgress>
{
    private readonly IHost _host;
    private readonly LogLines _log = new();
    private readonly ConcurrentQueue<ModelProgress> _progress = [];

    /// <param name="settings">All settings, with their whole names.</param>
    public ModelHost(params IEnumerable<KeyValuePair<string, string?>> settings)
        : this(settings, [])
    {
    }

    public ModelHost(IEnumerable<KeyValuePair<string, string?>> settings, IReadOnlyList<ModelKind> more)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(settings);
        builder.Logging.AddProvider(_log).SetMinimumLevel(LogLevel.Trace);
        builder.AddServiceDefaults();
        builder.AddConfiguredModels(more);
        _host = builder.Build();
        Models = [.. _host.Services.GetServices<IModel>()];
    }

    public IReadOnlyList<IModel> Models { get; }

    public IModel Model => Models[0];

    public WorkerOptions WorkerOptions => _host.Services.GetRequiredService<IOptions<WorkerOptions>>().Value;

    public string Log => string.Join('\n', _log.Lines);

    /// <summary>The texts that it reported, in order.</summary>
    public IReadOnlyList<string> Progress => [.. _progress.Select(progress => progress.Text).OfType<string>()];

    /// <summary>The fractions that it reported, in order.</summary>
    public IReadOnlyList<double> Fractions => [.. _progress.Select(progress => progress.Fraction).OfType<double>()];

    /// <param name="input">What is asked.</param>
    /// <param name="time">How much it has; none: it cannot wait until an endpoint takes requests again.</param>
    /// <param name="deadline">How much its ticket has.</param>
    public ModelRun Run(Payload input, TimeSpan time = default, TimeSpan? deadline = null) => new(Guid.NewGuid(), input, 1, this)
    {
        Ends = DateTimeOffset.UtcNow + time,
        Deadline = deadline is { } left ? DateTimeOffset.UtcNow + left : DateTimeOffset.MaxValue,
    };

    /// <summary>Runs the model; the parameters are those of <see cref="Run"/>.</summary>
    public Task<ModelAnswer> RunAsync(
        Payload input, CancellationToken cancellationToken, TimeSpan time = default, TimeSpan? deadline = null) =>
        Model.RunAsync(Run(input, time, deadline), cancellationToken).AsTask();

    public void Report(ModelProgress value) => _progress.Enqueue(value);

    public void Dispose()
    {
        _host.Dispose();
        _log.Dispose();
    }
}
