using System.Net;
using System.Net.Sockets;
using System.Reflection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using TicketApp.AppHost.Servers;

namespace TicketApp.AppHost;

/// <summary>What a run on this machine needs beside the model: defaults, free ports, and what to say at the start.</summary>
internal static partial class LocalRun
{
    private const string DashboardUrls = "ASPNETCORE_URLS";

    /// <summary>Held until the process ends: two AppHosts that start at once must not both find a port free.</summary>
    private static readonly List<FileStream> _claims = [];

    /// <summary>Debug or Release; the AppHost's build makes the services in the same one.</summary>
    private static string Configuration => typeof(LocalRun).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;

    /// <summary>Before resources are added.</summary>
    public static void UseLocalDefaults(this IDistributedApplicationBuilder builder)
    {
        if (!builder.ExecutionContext.IsRunMode)
        {
            return;
        }

        // What is on this machine goes by no proxy. The services, the dashboard and the orchestrator inherit it.
        foreach (var name in (string[])["NO_PROXY", "no_proxy"])
        {
            string?[] hosts = [Environment.GetEnvironmentVariable(name), "localhost", "127.0.0.1", "::1"];
            Environment.SetEnvironmentVariable(name, string.Join(',', hosts.Where(host => host is { Length: > 0 })));
        }

        var configuration = builder.Configuration;
        // The dashboard and what it talks to listen on loopback, where certificates protect nothing. Only its own port is fixed.
        configuration["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] ??= "true";
        configuration["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] ??= "http://localhost:0";
        configuration[DashboardUrls] ??= "http://localhost:15380";
        // Asks the NuGet feed at every start; Directory.Packages.props says the version.
        configuration["ASPIRE_VERSION_CHECK_DISABLED"] ??= "true";
        // The AppHost ends after all that it started.
        configuration["DcpPublisher:WaitForResourceCleanup"] ??= "true";
        if (Uri.TryCreate(configuration[DashboardUrls], UriKind.Absolute, out var dashboard) && !IsFree(dashboard.Port))
        {
            configuration[DashboardUrls] = $"{dashboard.Scheme}://{dashboard.Host}:0";
            builder.Announce($"Port {dashboard.Port} is taken: the dashboard listens on another");
        }

        if (StateProblem() is { } problem)
        {
            builder.FailAtStart(problem);
        }

        // First, since what starts the orchestrator waits for all resources; and what stops them in order before the orchestrator does.
        builder.Services.AddSingleton<RunSupervisor>();
        builder.Services.Insert(0, ServiceDescriptor.Singleton<IHostedService>(services => services.GetRequiredService<RunSupervisor>()));
        builder.Services.AddHostedService<OrderedStop>();
    }

    /// <summary>The orchestrator panics without a word where it cannot keep its state; the AppHost would wait two minutes for it.</summary>
    private static string? StateProblem()
    {
        var state = Path.Combine(ServerOptions.Home, ".dcp");
        try
        {
            Directory.CreateDirectory(state);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"Aspire's orchestrator cannot keep its state in {state}: set HOME to a directory that can be written.";
        }
    }

    /// <summary>
    /// Starts the program that the build made. <c>dotnet run</c>, which Aspire starts by default, would stand between the program and its
    /// signals, and cost each replica seconds and 70 MB. An IDE and <c>dotnet watch</c> start it in their own way.
    /// </summary>
    /// <param name="project">The project; its launch profile has the one endpoint <c>http</c>.</param>
    /// <param name="isEntry">
    /// Whether people open it: at the port of the launch profile if that is free, where it listens itself. Behind the orchestrator's proxy,
    /// a port that another program has looks healthy, because that program answers.
    /// </param>
    public static IResourceBuilder<ProjectResource> RunLocally(this IResourceBuilder<ProjectResource> project, bool isEntry = false)
    {
        var builder = project.ApplicationBuilder;
        if (!builder.ExecutionContext.IsRunMode)
        {
            return project;
        }

        var path = project.Resource.GetProjectMetadata().ProjectPath;
        var directory = Path.GetDirectoryName(path)!;
        var name = Path.GetFileNameWithoutExtension(path);
        var program = Path.Combine(directory, "bin", Configuration, "net10.0", OperatingSystem.IsWindows() ? $"{name}.exe" : name);
        if (builder.Configuration["DEBUG_SESSION_PORT"] is null && builder.Configuration["DOTNET_WATCH"] is null && File.Exists(program))
        {
            project.WithAnnotation(new ExecutableAnnotation { Command = program, WorkingDirectory = directory });
        }

        // Milliseconds. What a service still has to tell, when it stops, may go to a dashboard that is gone.
        project.WithEnvironment("OTEL_EXPORTER_OTLP_TIMEOUT", "2000");
        project.WithoutHttpsCertificate().WithEndpoint("http", endpoint =>
        {
            endpoint.Port = isEntry && !builder.Configuration.GetValue<bool>("DcpPublisher:RandomizePorts") ? endpoint.Port : null;
            if (endpoint.Port is { } port && !IsFree(port))
            {
                builder.Announce($"Port {port} is taken: {project.Resource.Name} listens on another");
                endpoint.Port = null;
            }

            endpoint.IsProxied = project.Resource.GetReplicaCount() > 1;
        });
        return !isEntry ? project : project.OnResourceReady((resource, ready, _) =>
        {
            Say(ready.Services, $"{resource.Name} is at {resource.GetEndpoint("http").Url}");
            return Task.CompletedTask;
        });
    }

    /// <summary>Says a line on the console, once logging is there.</summary>
    public static void Announce(this IDistributedApplicationBuilder builder, string line) =>
        builder.Eventing.Subscribe<BeforeStartEvent>((starting, _) =>
        {
            Say(starting.Services, line);
            return Task.CompletedTask;
        });

    private static void Say(IServiceProvider services, string line)
    {
        var logger = services.GetRequiredService<ILoggerFactory>().CreateLogger("TicketApp.AppHost");
        Log.Said(logger, line);
    }

    private static bool IsFree(int port)
    {
        if (port == 0)
        {
            return true;
        }

        try
        {
            var claim = Path.Combine(Path.GetTempPath(), $"ticketapp-port-{port}.lock");
            _claims.Add(new FileStream(claim, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (Exception e) when (e is UnauthorizedAccessException or DirectoryNotFoundException)
        {
            // Another user's AppHost has been here, or there is no place for a claim: the port itself says whether it is taken.
        }
        catch (IOException)
        {
            return false;
        }

        foreach (var address in (IPAddress[])[IPAddress.Loopback, IPAddress.IPv6Loopback])
        {
            using TcpListener listener = new(address, port);
            try
            {
                listener.Start();
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressFamilyNotSupported or SocketError.AddressNotAvailable)
            {
                // This machine has no IPv6, and so nobody who listens there.
            }
            catch (SocketException)
            {
                return false;
            }
        }

        return true;
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "{Line}")]
        public static partial void Said(ILogger logger, string line);
    }
}
