using Microsoft.Extensions.Configuration;
using TicketApp.AppHost.Deployment;

namespace TicketApp.AppHost.Servers;

internal enum ServerMode
{
    /// <summary>Containers if an engine answers, else native processes.</summary>
    Auto,

    /// <summary>The official images.</summary>
    Containers,

    /// <summary>Processes of this machine, from the packages of its Linux distribution.</summary>
    Native,
}

/// <summary>How a run here has its PostgreSQL and RabbitMQ, from the section <c>Servers</c>. What is published has containers.</summary>
internal sealed class ServerOptions
{
    public const string SectionName = "Servers";

    /// <summary>Containers or native processes. Default <see cref="ServerMode.Auto"/>.</summary>
    public ServerMode Mode { get; set; }

    /// <summary>
    /// Where native servers keep their data, a directory for each server and checkout. Default <c>~/.local/state/ticketapp</c>; for root
    /// <c>/var/lib/ticketapp</c>, because its servers run as service users, who cannot enter a private home directory.
    /// </summary>
    public string Data { get; set; } = DefaultData;

    public bool IsNative => Mode == ServerMode.Native;

    /// <summary>The user's home directory, whether it exists or not.</summary>
    public static string Home =>
        Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify);

    private static string DefaultData { get; } = Path.Combine(
        Environment.IsPrivilegedProcess ? "/var/lib"
        : Environment.GetEnvironmentVariable("XDG_STATE_HOME") is { Length: > 0 } state ? state
        : Path.Combine(Home, ".local", "state"),
        "ticketapp");

    /// <summary>As a path that means the same in every directory: <c>~</c> is the home directory, and nothing is the default.</summary>
    public void Normalize() => Data = Data switch
    {
        "" => DefaultData,
        ['~', '/', .. var path] => Path.Combine(Home, path),
        _ => Path.GetFullPath(Data),
    };
}

internal static class ServerConfiguration
{
    /// <summary>Reads the section, and decides what it leaves open: <see cref="ServerOptions.Mode"/> is then one of the two.</summary>
    public static ServerOptions GetServerOptions(this IDistributedApplicationBuilder builder, DeploymentOptions deployment)
    {
        ServerOptions options = new();
        try
        {
            builder.Configuration.GetSection(ServerOptions.SectionName).Bind(options);
            options.Normalize();
        }
        catch (InvalidOperationException)
        {
            options.Mode = (ServerMode)(-1);
        }

        if (!Enum.IsDefined(options.Mode))
        {
            builder.FailAtStart("Servers:Mode is auto, containers or native.");
            options.Mode = ServerMode.Native;
            return options;
        }

        if (builder.ExecutionContext.IsPublishMode || (deployment.ExternalPostgres && deployment.ExternalRabbitMq))
        {
            options.Mode = ServerMode.Containers;
            return options;
        }

        var (reason, hangs) = ("Servers:Mode says so", false);
        if (options.Mode != ServerMode.Native)
        {
            // The names under which Aspire reads which engine it uses.
            var engine = builder.Configuration["ASPIRE_CONTAINER_RUNTIME"] ?? builder.Configuration["DOTNET_ASPIRE_CONTAINER_RUNTIME"];
            (var answers, hangs, reason) = ContainerEngine.ProbeAsync(engine).GetAwaiter().GetResult();
            if (!answers && (options.Mode == ServerMode.Containers || !OperatingSystem.IsLinux()))
            {
                builder.FailAtStart($"PostgreSQL and RabbitMQ need containers here, but {reason}. Start Docker or Podman.");
            }

            var hasContainers = options.Mode == ServerMode.Containers || answers || !OperatingSystem.IsLinux();
            options.Mode = hasContainers ? ServerMode.Containers : ServerMode.Native;
        }

        if (options.IsNative && hangs)
        {
            // The orchestrator would wait minutes for an engine that hangs: it is told to ask for one that is not there.
            builder.Configuration["DcpPublisher:ContainerRuntime"] ??= ContainerEngine.NotInstalled();
        }

        builder.Announce(options.IsNative
            ? $"PostgreSQL and RabbitMQ run as processes of this machine, with their data in {options.Data} ({reason})"
            : $"PostgreSQL and RabbitMQ run in containers ({reason})");
        return options;
    }
}
