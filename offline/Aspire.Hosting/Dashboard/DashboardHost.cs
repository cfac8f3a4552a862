using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dashboard.Otlp;
using Aspire.Hosting.Dashboard.Telemetry;
using Aspire.Hosting.Native;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Dashboard;

/// <summary>The dashboard's web server: pages at one port, telemetry at another, both on the loopback interface alone.</summary>
internal sealed partial class DashboardHost(
    DashboardOptions options,
    DashboardResources resources,
    TelemetryStore telemetry,
    ResourceLoggerService loggers,
    ILoggerFactory logging) : IHostedLifecycleService
{
    // Telemetry comes in batches of a few hundred records.
    private const long LargestRequest = 16 << 20;

    private static readonly TimeSpan _stopLimit = TimeSpan.FromSeconds(2);

    private Task<WebApplication?> _starting = Task.FromResult<WebApplication?>(null);

    /// <summary>Once it is clear that the application can run. Does not wait: nothing needs the dashboard before the first process sends telemetry.</summary>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        LoopbackPort.Release(options.Port);
        LoopbackPort.Release(options.OtlpPort);
        _starting = Task.Run(() => StartServerAsync(cancellationToken), CancellationToken.None);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (await _starting is { } app)
        {
            await app.StopAsync(cancellationToken);
            await app.DisposeAsync();
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private WebApplication Build()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = typeof(DashboardHost).Assembly.GetName().Name });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = LargestRequest;
            kestrel.ListenLocalhost(options.Port);
            kestrel.ListenLocalhost(options.OtlpPort, otlp => otlp.Protocols = HttpProtocols.Http2);
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = _stopLimit);
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, DashboardJson.Default));

        var app = builder.Build();
        var receiver = new OtlpReceiver(options.OtlpApiKey, telemetry);
        var access = new DashboardAccess(options);
        app.Use((context, next) => context.Connection.LocalPort == options.OtlpPort ? receiver.ReceiveAsync(context) : access.CheckAsync(context, next));
        app.UseRouting();
        app.MapAssets();
        app.MapLive(resources, telemetry);
        app.MapResources(resources, loggers);
        app.MapLogs(telemetry.Logs);
        app.MapTraces(telemetry.Spans);
        app.MapMetrics(telemetry.Metrics);
        return app;
    }

    private async Task<WebApplication?> StartServerAsync(CancellationToken cancellationToken)
    {
        var logger = logging.CreateLogger<DistributedApplication>();
        var app = Build();
        try
        {
            await app.StartAsync(cancellationToken);
            Log.Login(logger, options.LoginUrl);
            return app;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            Log.Failed(logger, e.Message);
            await app.DisposeAsync();
            return null;
        }
    }

    /// <summary>The AppHost says when it stops, and not the signal that tells the AppHost.</summary>
    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private static partial class Log
    {
        [LoggerMessage(0, LogLevel.Information, "Login to the dashboard at {LoginUrl}")]
        public static partial void Login(ILogger logger, string loginUrl);

        [LoggerMessage(1, LogLevel.Error, "The dashboard did not start: {Reason}")]
        public static partial void Failed(ILogger logger, string reason);
    }
}
