using Microsoft.Extensions.Configuration;
using TicketApp.AppHost.Servers;

namespace TicketApp.AppHost;

/// <summary>A worker in Python.</summary>
internal sealed class PythonWorker(string name, string interpreter, string directory) : ExecutableResource(name, interpreter, directory);

/// <summary>Workers in Python, in a run on this machine that asks for them: <c>--Python:Workers=true</c>.</summary>
internal static class PythonWorkers
{
    private const string Section = "Python";

    // Debian's has pika as the package python3-pika; a python3 that comes before it in the path has none of that.
    private const string SystemInterpreter = "/usr/bin/python3";

    /// <summary>Adds a worker whose models are those of a script that uses <c>clients/python</c>.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">The resource's name.</param>
    /// <param name="script">The script, relative to the AppHost.</param>
    /// <param name="broker">The broker, with the account of workers.</param>
    /// <param name="server">What has to be there first.</param>
    public static void AddPythonWorker(
        this IDistributedApplicationBuilder builder,
        string name,
        string script,
        IResourceBuilder<IResourceWithConnectionString> broker,
        IResourceBuilder<IResource> server)
    {
        var settings = builder.Configuration.GetSection(Section);
        if (!builder.ExecutionContext.IsRunMode || !settings.GetValue<bool>("Workers"))
        {
            return;
        }

        var path = Path.GetFullPath(script, builder.AppHostDirectory);
        builder.AddResource(new PythonWorker(name, Interpreter(settings["Interpreter"]), Path.GetDirectoryName(path)!))
            .WithArgs(path)
            .WithEnvironment("PYTHONPATH", Path.GetFullPath("../clients/python", builder.AppHostDirectory))
            .WithEnvironment("PYTHONUNBUFFERED", "1")
            .WithReference(broker, ServerResources.BrokerName).WaitFor(server);
    }

    /// <summary>The Python that runs workers.</summary>
    /// <param name="configured">A program or the directory of a virtual environment; null: Debian's, else the first in the path.</param>
    public static string Interpreter(string? configured) =>
        configured is not { Length: > 0 } ? File.Exists(SystemInterpreter) ? SystemInterpreter : "python3"
        : Directory.Exists(configured) ? Path.Combine(Path.GetFullPath(configured), "bin", "python3")
        : configured;
}
