using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Pipelines;
using Microsoft.Extensions.DependencyInjection;

namespace Aspire.Hosting.Publishers;

/// <summary>What the stand-ins have in common: their steps of the pipeline, what they publish, and how files reach the disk.</summary>
internal static class StandIn
{
    /// <summary>Adds an environment that publishes. In run mode it stays out of the model.</summary>
    /// <param name="builder">The model.</param>
    /// <param name="environment">The environment.</param>
    /// <param name="publish">Returns the text of each file by its path below the directory that it is given.</param>
    public static IResourceBuilder<T> AddPublisher<T>(
        this IDistributedApplicationBuilder builder,
        T environment,
        Func<PipelineStepContext, string, Task<Dictionary<string, string>>> publish)
        where T : IComputeEnvironmentResource
    {
        if (builder.ExecutionContext.IsRunMode)
        {
            return builder.CreateResourceBuilder(environment);
        }

        // Not after publish-prereq: it asks for the values of parameters, which the site sets, and stores them in the user's profile.
        return builder.AddResource(environment)
            .WithPipelineStepFactory(
                $"publish-{environment.Name}",
                context => WriteAsync(context, environment, publish),
                requiredBy: [WellKnownPipelineSteps.Publish])
            // A step that is missing would be one that succeeds.
            .WithPipelineStepFactory(
                $"deploy-{environment.Name}",
                _ => throw new NotSupportedException("This stand-in publishes and does not deploy: deploy/README.md has the commands."),
                requiredBy: [WellKnownPipelineSteps.Deploy]);
    }

    /// <summary>The model's resources that run in this environment.</summary>
    /// <exception cref="NotSupportedException">One has something that a stand-in does not publish.</exception>
    public static IEnumerable<IResource> PublishedTo(this DistributedApplicationModel model, IComputeEnvironmentResource environment)
    {
        foreach (var resource in model.GetComputeResources())
        {
            if (resource.GetComputeEnvironment() is { } other && other != environment)
            {
                continue;
            }

            var obstacle = resource.Annotations.FirstOrDefault(annotation =>
                annotation is DockerfileBuildAnnotation or ContainerFileSystemCallbackAnnotation or ContainerImagePullPolicyAnnotation
                    or ContainerMountAnnotation { Type: ContainerMountType.BindMount } or ContainerMountAnnotation { Source: null });
            yield return obstacle is null && resource is not ContainerResource { Entrypoint: not null }
                ? resource
                : throw new NotSupportedException(
                    $"Resource '{resource.Name}' has {obstacle?.GetType().Name ?? "an entry point"}, which this stand-in does not publish: "
                    + "build with -p:PublisherPackages=true where the feed has the package.");
        }
    }

    /// <summary>Nothing is written before everything is made: a failure leaves no half of an output.</summary>
    private static async Task WriteAsync(
        PipelineStepContext context,
        IComputeEnvironmentResource environment,
        Func<PipelineStepContext, string, Task<Dictionary<string, string>>> publish)
    {
        var output = context.Services.GetRequiredService<IPipelineOutputService>();
        var isOnlyOne = context.Model.Resources.OfType<IComputeEnvironmentResource>().Count() == 1;
        var directory = isOnlyOne ? output.GetOutputDirectory() : output.GetOutputDirectory(environment);
        foreach (var (path, text) in await publish(context, directory))
        {
            var file = new FileInfo(Path.Combine(directory, path));
            file.Directory!.Create();
            await File.WriteAllTextAsync(file.FullName, text, context.CancellationToken);
        }
    }
}
