using System.Globalization;
using Aspire.Hosting.Native;

namespace Aspire.Hosting;

/// <summary>RabbitMQ as a process of this machine, with a port mapper (epmd) and an Erlang cookie of its own.</summary>
internal sealed class RabbitMQServer : NativeServer
{
    public const string UserVariable = "RABBITMQ_DEFAULT_USER";
    public const string PasswordVariable = "RABBITMQ_DEFAULT_PASS";
    public const string NodeNameVariable = "RABBITMQ_NODENAME";
    public const string ManagementVariable = "MANAGEMENT";

    private readonly Lazy<RabbitMQInstallation?> _installation = new(RabbitMQInstallation.Find);
    private int _epmdPort;
    private int _distributionPort;
    private GuardedProcess? _epmd;

    public override string Description => $"RabbitMQ {_installation.Value!.Version}";

    public override MissingServer? FindMissing() =>
        _installation.Value is null ? new MissingServer("RabbitMQ (3.10 or later)", "rabbitmq-server", "rabbitmq-server") : null;

    public override async Task<GuardedProcess> StartAsync(NativeServerContext context, CancellationToken cancellationToken)
    {
        var user = ServiceUser.Of("rabbitmq");
        var directory = context.DataDirectory;
        await user.CreateDirectoryAsync(directory, cancellationToken);
        await RabbitMQFiles.WriteAsync(context, user, cancellationToken);
        if (context.Environment.ContainsKey(ManagementVariable))
        {
            context.OnLine("The management plugin is not started in offline mode.", false);
        }

        if (_epmdPort == 0)
        {
            _epmdPort = LoopbackPort.Reserve();
            _distributionPort = LoopbackPort.Reserve();
        }

        LoopbackPort.Release(_epmdPort);
        LoopbackPort.Release(_distributionPort);
        var environment = EnvironmentFor(context);

        // Without one of its own, the node would leave a daemon behind that nobody stops.
        _epmd = GuardedProcess.Start(
            user.Run(_installation.Value!.Epmd, "-port", Text(_epmdPort), "-address", "127.0.0.1"),
            "TERM",
            directory,
            environment,
            context.OnLine);
        await WaitForEpmdAsync(_epmd, cancellationToken);
        return GuardedProcess.Start(user.Run(_installation.Value.ServerScript), "TERM", directory, environment, OnServerLine);

        void OnServerLine(string line, bool isError)
        {
            if (isError || !IsBanner(line))
            {
                context.OnLine(line, isError);
            }
        }
    }

    public override async Task StopCompanionsAsync()
    {
        if (_epmd is not null)
        {
            await _epmd.DisposeAsync();
            _epmd = null;
        }
    }

    /// <summary>The greeting and what it logs before its configuration says how much to log.</summary>
    private static bool IsBanner(string line) =>
        line.Length == 0
        || (line.StartsWith("  ", StringComparison.Ordinal) && !line.Contains("rror", StringComparison.Ordinal))
        || line.Contains(" [info] ", StringComparison.Ordinal)
        || line.Contains(" [notice] ", StringComparison.Ordinal);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private async Task WaitForEpmdAsync(GuardedProcess epmd, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!await LoopbackPort.IsAnsweredAsync(_epmdPort, cancellationToken))
        {
            if (epmd.Exited.IsCompleted)
            {
                throw new DistributedApplicationException("epmd, the port mapper of Erlang, could not be started.");
            }

            await timer.WaitForNextTickAsync(cancellationToken);
        }
    }

    private Dictionary<string, string> EnvironmentFor(NativeServerContext context)
    {
        var directory = context.DataDirectory;
        return new Dictionary<string, string>(CleanEnvironment)
        {
            // The Erlang cookie is read from here.
            ["HOME"] = directory,
            ["ERL_EPMD_PORT"] = Text(_epmdPort),
            ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
            ["RABBITMQ_NODENAME"] = context.Environment.GetValueOrDefault(NodeNameVariable, "rabbit@localhost"),
            ["RABBITMQ_DIST_PORT"] = Text(_distributionPort),
            ["RABBITMQ_CONF_ENV_FILE"] = "/dev/null",
            ["RABBITMQ_CONFIG_FILE"] = RabbitMQFiles.Configuration(directory),
            ["RABBITMQ_ADVANCED_CONFIG_FILE"] = Path.Combine(directory, "advanced.config"),
            ["RABBITMQ_ENABLED_PLUGINS_FILE"] = RabbitMQFiles.EnabledPlugins(directory),
            ["RABBITMQ_MNESIA_BASE"] = Path.Combine(directory, "mnesia"),
            ["RABBITMQ_LOG_BASE"] = Path.Combine(directory, "log"),
            ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "-kernel inet_dist_use_interface {127,0,0,1}",

            // Makes the start script exec the broker, so that signals reach it and not a wrapper.
            ["RUNNING_UNDER_SYSTEMD"] = "true",
        };
    }
}
