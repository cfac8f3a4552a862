using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;

namespace Aspire.Hosting.Publishing;

/// <summary>What only the real packages do.</summary>
internal static class RealPackages
{
    /// <summary>One line: this build cannot, what can, and where what that wrote is kept.</summary>
    public static string AreNeededFor(string what) =>
        $"{what} needs the real Aspire packages, which this build has stand-ins for: build with AspireMode=nuget where the NuGet feed has Aspire. Published output is in deploy/.";

    /// <summary>Whoever publishes the model of this resource gets that line.</summary>
    public static IResourceBuilder<T> RefuseToPublish<T>(this IResourceBuilder<T> builder, string what)
        where T : IResource
    {
        builder.ApplicationBuilder.Services.AddSingleton<IModelPublisher>(new Refusal(what));
        return builder;
    }

    private sealed class Refusal(string what) : IModelPublisher
    {
        public Task PublishAsync(
            DistributedApplicationModel model,
            DistributedApplicationExecutionContext executionContext,
            string outputPath,
            CancellationToken cancellationToken) => throw new DistributedApplicationException(AreNeededFor(what));
    }
}
