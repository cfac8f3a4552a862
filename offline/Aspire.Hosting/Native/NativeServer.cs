using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Native;

/// <summary>A server that runs as a process of this machine where Aspire would run a container.</summary>
internal abstract class NativeServer
{
    protected static IReadOnlyDictionary<string, string> CleanEnvironment { get; } = new Dictionary<string, string>
    {
        ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ["LC_ALL"] = "C.UTF-8",
    };

    /// <summary>How the notice at start names it.</summary>
    public abstract string Description { get; }

    /// <summary>What is missing on this machine, with its packages; null when it is installed.</summary>
    public abstract MissingServer? FindMissing();

    /// <summary>Looks at the data before anything starts.</summary>
    /// <exception cref="DistributedApplicationException">The installed server cannot use it.</exception>
    public virtual void CheckData(string dataDirectory)
    {
    }

    /// <summary>Starts it on its data, which it creates when there is none. Called again after the process has ended.</summary>
    public abstract Task<GuardedProcess> StartAsync(NativeServerContext context, CancellationToken cancellationToken);

    /// <summary>Stops what <see cref="StartAsync"/> started beside the server itself.</summary>
    public virtual Task StopCompanionsAsync() => Task.CompletedTask;
}

internal sealed record MissingServer(string Name, string AptPackages, string DnfPackages);

/// <summary>What a server is started with.</summary>
/// <param name="DataDirectory">Its own directory, which exists for as long as its volume does.</param>
/// <param name="Port">The port to listen on, on 127.0.0.1 only.</param>
/// <param name="Environment">The variables that a container of it would get.</param>
/// <param name="OnLine">Takes a line of its output, and whether it came from standard error.</param>
internal sealed record NativeServerContext(
    string DataDirectory,
    int Port,
    IReadOnlyDictionary<string, string> Environment,
    Action<string, bool> OnLine);

internal sealed class NativeServerAnnotation(NativeServer server) : IResourceAnnotation
{
    public NativeServer Server { get; } = server;
}
