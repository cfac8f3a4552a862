using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Running;

/// <summary>Passes the resources' output on to the AppHost's loggers, for tests that look at it.</summary>
internal sealed partial class ResourceLogForwarder(ResourceLoggerService resources, ILoggerFactory loggers, IHostEnvironment environment) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        resources.LineLogged += Forward;
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage("{Line}")]
    private static partial void Write(ILogger logger, LogLevel level, string line);

    private void Forward(string resource, LogLine line)
    {
        var logger = loggers.CreateLogger($"{environment.ApplicationName}.Resources.{resource}");
        var level = line.IsErrorMessage ? LogLevel.Error : LogLevel.Information;
        if (logger.IsEnabled(level))
        {
            Write(logger, level, line.Content);
        }
    }
}
