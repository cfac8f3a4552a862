using System.Reflection;

namespace Aspire.Hosting;

/// <summary>What the build wrote into the AppHost's assembly (Offline.targets).</summary>
internal sealed class AppHostMetadata(Assembly? assembly, string directory)
{
    public string Directory { get; } = directory;

    public static string? ProjectDirectory(Assembly? assembly) => Find(assembly, "apphostprojectpath");

    /// <summary>The assembly that the build made of a referenced project.</summary>
    /// <exception cref="DistributedApplicationException">The project was not built, or is no reference of the AppHost.</exception>
    public string TargetPath(string projectPath)
    {
        var path = Find(assembly, $"apphosttarget:{projectPath}")
            ?? throw new DistributedApplicationException($"The AppHost has no project reference to {projectPath}.");
        return File.Exists(path)
            ? path
            : throw new DistributedApplicationException($"{path} does not exist. Build the solution first: dotnet build");
    }

    private static string? Find(Assembly? assembly, string key) =>
        assembly?.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(metadata => metadata.Key == key)?.Value;
}
