using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Publishing;

/// <summary>Publishes instead of running, then stops the host.</summary>
internal sealed class PublishRunner(
    IEnumerable<IModelPublisher> publishers,
    DistributedApplicationModel model,
    DistributedApplicationExecutionContext executionContext,
    IConfiguration configuration,
    IHostApplicationLifetime lifetime) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (configuration["Publishing:Publisher"] is { Length: > 0 })
        {
            throw new DistributedApplicationException(RealPackages.AreNeededFor("The manifest that azd reads"));
        }

        if (configuration["step"] is { } step && step != "publish")
        {
            throw new DistributedApplicationException(RealPackages.AreNeededFor($"The step '{step}'"));
        }

        var outputPath = Path.GetFullPath(configuration["output-path"] ?? "aspire-output");
        Directory.CreateDirectory(outputPath);
        foreach (var publisher in publishers)
        {
            await publisher.PublishAsync(model, executionContext, outputPath, cancellationToken);
        }

        lifetime.StopApplication();
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
