using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using TicketApp.Api.Auth;
using TicketApp.Api.Storage;
using TicketApp.Api.Telemetry;
using TicketApp.Api.Webhooks;
using TicketApp.ServiceDefaults;

namespace TicketApp.Tests.Fixtures;

/// <summary>Dispatchers of webhooks inside the test's process, with settings of their own.</summary>
internal sealed class TestDispatchers : IAsyncDisposable
{
    private readonly IOptions<WebhookOptions> _options;
    private readonly IOptions<LimitOptions> _limits;
    private readonly DeliveryStore _store;
    private readonly WebhookSender _sender;
    private readonly DatabaseMigrator _migrator;
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().AddSingleton<TicketMetrics>().BuildServiceProvider();
    private readonly LoopProgress _progress;
    private readonly List<WebhookDispatcher> _dispatchers = [];

    /// <param name="database">With the schema in it.</param>
    /// <param name="settings">Theirs; they look every 20 ms.</param>
    /// <param name="time">Tells health how long a round has taken.</param>
    /// <param name="limits">Of users.</param>
    public TestDispatchers(
        ScratchDatabase database, WebhookOptions settings, TimeProvider? time = null, LimitOptions? limits = null)
    {
        _limits = Options.Create(limits ?? new());
        settings.PollInterval = TimeSpan.FromMilliseconds(20);
        _options = Options.Create(settings);
        _store = new(database.Source, _options);
        _sender = new(
            new(database.Source, new(_options), _options), [], _options, Options.Create(new RetentionOptions()), TimeProvider.System);
        _progress = new(time ?? TimeProvider.System);
        _migrator = new(database.Source, _progress, NullLogger<DatabaseMigrator>.Instance);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async Task StartAsync(int replicas)
    {
        await _migrator.StartAsync(Cancel);
        for (var i = 0; i < replicas; i++)
        {
            WebhookDispatcher dispatcher = new(
                _store,
                _sender,
                new(_options),
                _services.GetRequiredService<TicketMetrics>(),
                _migrator,
                _progress,
                _options,
                _limits,
                NullLogger<WebhookDispatcher>.Instance);
            _dispatchers.Add(dispatcher);
            await dispatcher.StartAsync(Cancel);
        }
    }

    /// <summary>What <c>/health</c> says of them.</summary>
    public Task<HealthCheckResult> CheckHealthAsync() =>
        _progress.CheckHealthAsync(new() { Registration = new("loops", _progress, HealthStatus.Unhealthy, []) }, Cancel);

    public Task StopAsync() => Task.WhenAll(_dispatchers.Select(dispatcher => dispatcher.StopAsync(Cancel)));

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _dispatchers.ForEach(dispatcher => dispatcher.Dispose());
        _sender.Dispose();
        _migrator.Dispose();
        await _services.DisposeAsync();
    }
}
