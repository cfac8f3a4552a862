using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace TicketApp.ServiceDefaults;

/// <summary>How a service starts and stops: a wrong setting ends it with one line, and a stop takes a bounded time.</summary>
public static class ServiceProcess
{
    /// <summary>The exit code of a service that cannot start.</summary>
    private const int CannotStart = 1;

    private static readonly TimeSpan _requestLimit = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan _abortLimit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _disposalLimit = TimeSpan.FromSeconds(5);

    private static volatile bool _hasStarted;

    /// <summary>Says in one line why the process cannot start, in place of a stack trace. Called before anything else.</summary>
    public static void ExplainStartErrors() => AppDomain.CurrentDomain.UnhandledException += (_, unhandled) =>
    {
        if (!_hasStarted && unhandled.ExceptionObject is Exception exception)
        {
            Console.Error.WriteLine($"{AppDomain.CurrentDomain.FriendlyName} cannot start: {exception.Message.ReplaceLineEndings(" ")}");
            Environment.Exit(CannotStart);
        }
    };

    /// <summary>Runs until the process is told to stop, then stops it phase by phase (<see cref="StopPhase"/>), requests first.</summary>
    /// <remarks>The host would stop its services one by one within one limit for all, which the first that hangs uses up.</remarks>
    public static async Task RunServiceAsync(this WebApplication app)
    {
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(StopStep));
        // Before the host does, which would log the stack trace of what is only a wrong setting.
        app.Services.GetService<IStartupValidator>()?.Validate();
        IHostedService[] services = [.. app.Services.GetServices<IHostedService>()];
        CheckUrls(app.Configuration);
        TaskCompletionSource stopping = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = app.Lifetime.ApplicationStopping.Register(stopping.SetResult);
        await app.StartAsync();
        _hasStarted = true;

        await stopping.Task;
        await StopAsync(app.Services.GetRequiredService<IServer>(), services, logger);
        // Telemetry sends what it still has.
        await StopStep.RunAsync("closing", _disposalLimit, () => app.DisposeAsync().AsTask(), logger);
    }

    private static async Task StopAsync(IServer server, IHostedService[] services, ILogger logger)
    {
        using CancellationTokenSource abort = new(_requestLimit);
        await StopStep.RunAsync("requests", _requestLimit + _abortLimit, () => server.StopAsync(abort.Token), logger);
        foreach (var phase in services.GroupBy(service => Ordered(service)?.StopPhase ?? StopPhase.Work).OrderBy(phase => phase.Key))
        {
            await Task.WhenAll(phase.Select(service => StopStep.RunAsync(
                service.GetType().Name,
                Ordered(service)?.StopLimit ?? StopStep.DefaultLimit,
                () => service.StopAsync(CancellationToken.None),
                logger)));
        }
    }

    private static IStopsInPhase? Ordered(IHostedService service) => service as IStopsInPhase;

    private static void CheckUrls(IConfiguration configuration)
    {
        foreach (var url in configuration["urls"]?.Split(';', StringSplitOptions.RemoveEmptyEntries) ?? [])
        {
            try
            {
                BindingAddress.Parse(url);
            }
            catch (FormatException exception)
            {
                throw new InvalidOperationException($"ASPNETCORE_URLS: {exception.Message}", exception);
            }
        }
    }
}
