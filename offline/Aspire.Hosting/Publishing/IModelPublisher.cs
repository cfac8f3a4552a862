using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Publishing;

/// <summary>Writes the model for one deployment target.</summary>
internal interface IModelPublisher
{
    Task PublishAsync(
        DistributedApplicationModel model,
        DistributedApplicationExecutionContext executionContext,
        string outputPath,
        CancellationToken cancellationToken);
}
