using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Npgsql;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace TicketApp.Tests.Fixtures;

/// <summary>
/// The processes that an application consists of, each on ports of this machine: its servers, by the
/// AppHost's scripts, and its services, as they were built.
/// </summary>
internal static class AppProcesses
{
    private static readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(10) };

    // Outgoing connections never take ports below the range that the kernel gives them, not even while their server is down.
    private static int _nextPort = Random.Shared.Next(12_000, 28_000);

    /// <summary>A port of 127.0.0.1 that nobody uses.</summary>
    public static int NextPort()
    {
        while (true)
        {
            var port = Interlocked.Increment(ref _nextPort);
            try
            {
                using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(IPAddress.Any, port));
                return port;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
            {
                // Another's.
            }
        }
    }

    /// <summary>A new directory for the data of servers. Root's run as users of their own, who pass through it.</summary>
    public static DirectoryInfo CreateDirectory()
    {
        var directory = Directory.CreateTempSubdirectory("ticketapp-tests-");
        File.SetUnixFileMode(directory.FullName, (UnixFileMode)Convert.ToInt32("755", 8));
        return directory;
    }

    /// <summary>The script of the AppHost that starts a server.</summary>
    public static string ScriptOf(string server) => Path.Combine(Repository.Root, "TicketApp.AppHost", "Servers", $"{server}.sh");

    /// <summary>The accounts of the broker that a script starts.</summary>
    public static string AccountsOf(string script) => script.Replace(".sh", "-accounts.json", StringComparison.Ordinal);

    /// <summary>PostgreSQL on data of its own in a directory.</summary>
    /// <param name="directory">Where.</param>
    /// <param name="connection">Its port, superuser, password and database. The Api's role has the same password.</param>
    /// <param name="name">Names the process and its data.</param>
    /// <param name="peer">Port of another one, which it follows where that one takes writes when it starts; null: it is alone.</param>
    public static ChildProcess Postgres(
        string directory, NpgsqlConnectionStringBuilder connection, string name = "postgres", int? peer = null)
    {
        var probe = new NpgsqlConnectionStringBuilder(connection.ConnectionString) { Pooling = false }.ConnectionString;
        Dictionary<string, string> settings = new() { ["PASSWORD"] = connection.Password!, ["TICKETS_PASSWORD"] = connection.Password! };
        var script = ScriptOf("postgres");
        if (peer is { } port)
        {
            settings["PEER"] = Text(port);
            settings["SERVERS"] = Path.GetDirectoryName(script)!;
            script = Path.Combine(Repository.Root, "TicketApp.Tests", "Fixtures", "postgres-pair.sh");
        }

        // Shared memory would outlive a kill.
        return Server(name, script, "postgres", directory, connection.Port, settings, IsReadyAsync, quickStopSignal: "QUIT");

        async Task<bool> IsReadyAsync()
        {
            try
            {
                await using NpgsqlConnection attempt = new(probe);
                await attempt.OpenAsync();
                return true;
            }
            catch (NpgsqlException)
            {
                return false;
            }
        }
    }

    /// <summary>The address of another user of a server, all of whose users have one password.</summary>
    public static Uri As(string user, Uri server) => new UriBuilder(server) { UserName = user }.Uri;

    /// <inheritdoc cref="As(string, Uri)"/>
    public static string As(string user, string connectionString) =>
        new NpgsqlConnectionStringBuilder(connectionString) { Username = user }.ConnectionString;

    /// <summary>
    /// RabbitMQ on data of its own in a directory, with the accounts of the Api and of the workers and one that may do everything.
    /// </summary>
    /// <param name="directory">Where.</param>
    /// <param name="uri">Its port, and the account that may do everything. The others have the same password.</param>
    /// <param name="name">Names the process, its data and its node.</param>
    /// <param name="cluster">
    /// The port of <see cref="Epmd"/> and the names of all nodes, the first of which starts first; null: it is alone.
    /// </param>
    /// <param name="configuration">Erlang terms on top of the script's configuration, as in <c>advanced.config</c>.</param>
    /// <param name="script">What starts it, with the file of the accounts beside it; null: the AppHost's.</param>
    /// <param name="virtualHosts">Beside the usual one: all accounts may do there what they may do in that.</param>
    public static ChildProcess RabbitMq(
        string directory,
        Uri uri,
        string name = "rabbitmq",
        (int EpmdPort, string[] Nodes)? cluster = null,
        string? configuration = null,
        string? script = null,
        params IReadOnlyList<string> virtualHosts)
    {
        script ??= ScriptOf("rabbitmq");
        ConnectionFactory factory = new() { Uri = uri };
        var folder = Path.Combine(directory, name);
        var accounts = JsonNode.Parse(File.ReadAllText(AccountsOf(script)))!;
        var worker = accounts["permissions"]!.AsArray().Single(permission => (string?)permission!["user"] == "worker")!;
        JsonObject all = new() { ["user"] = factory.UserName, ["configure"] = ".*", ["write"] = ".*", ["read"] = ".*" };
        JsonObject definitions = new()
        {
            ["vhosts"] = new JsonArray([.. virtualHosts.Select(host => new JsonObject { ["name"] = host })]),
            ["users"] = new JsonArray(
                new JsonObject { ["name"] = factory.UserName, ["password"] = factory.Password, ["tags"] = new JsonArray() }),
            ["permissions"] = new JsonArray(
            [
                In(all, "/"),
                .. virtualHosts.SelectMany(host => (JsonNode[])[In(all, host), In(worker, host)]),
            ]),
        };
        Directory.CreateDirectory(Path.Combine(folder, "definitions"));
        File.WriteAllText(Path.Combine(folder, "definitions", "tests.json"), definitions.ToJsonString());
        if (configuration is not null)
        {
            File.WriteAllText(Path.Combine(folder, "advanced.config"), configuration);
        }

        Dictionary<string, string> settings = new()
        {
            ["USERNAME"] = "ticketapp",
            ["PASSWORD"] = factory.Password,
            ["WORKER_PASSWORD"] = factory.Password,
            ["EPMD_PORT"] = Text(cluster?.EpmdPort ?? NextPort()),
            ["DIST_PORT"] = Text(NextPort()),
        };
        if (cluster is var (_, nodes))
        {
            settings["CLUSTER"] = string.Join(' ', nodes);
            settings["NODE"] = name;
        }

        return Server(name, script, "beam.smp", directory, uri.Port, settings, IsReadyAsync);

        static JsonNode In(JsonNode permission, string virtualHost)
        {
            var there = permission.DeepClone();
            there["vhost"] = virtualHost;
            return there;
        }

        async Task<bool> IsReadyAsync()
        {
            try
            {
                await using var attempt = await factory.CreateConnectionAsync();
                return true;
            }
            catch (BrokerUnreachableException)
            {
                return false;
            }
        }
    }

    /// <summary>Erlang's port mapper, by which the nodes of a cluster find each other.</summary>
    public static ChildProcess Epmd(int port)
    {
        string[] command = ["epmd", "-address", "127.0.0.1", "-port", Text(port)];
        return new("epmd", command, new Dictionary<string, string>(), () => ListensAsync(port));
    }

    /// <summary>Whether a process of this machine takes connections at a port.</summary>
    public static async Task<bool> ListensAsync(int port)
    {
        try
        {
            using TcpClient attempt = new();
            await attempt.ConnectAsync(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>Api or worker, by its project, with the variables that say what is where.</summary>
    public static ChildProcess Service(string name, string project, int port, IReadOnlyDictionary<string, string> environment) =>
        Service(name, port, environment, [Repository.OutputOf(project)]);

    /// <inheritdoc cref="Service(string, string, int, IReadOnlyDictionary{string, string})"/>
    public static ChildProcess Service(
        string name, int port, IReadOnlyDictionary<string, string> environment, IEnumerable<string> command, string? program = null)
    {
        Dictionary<string, string> variables = new(environment) { ["ASPNETCORE_URLS"] = Address(port) };
        return new(name, command, variables, async () =>
        {
            try
            {
                using var answer = await _http.GetAsync(new Uri($"{Address(port)}/health"));
                return answer.IsSuccessStatusCode;
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                return false;
            }
        })
        { Program = program, QuickStopSignal = Repository.IsCovered ? "TERM" : null };
    }

    /// <summary>
    /// A client of replicas: each connection goes to the next one that listens, as a load balancer's would. What it sends and gets is what
    /// is described (<see cref="ApiContract"/>).
    /// </summary>
    public static HttpClient Client(IReadOnlyList<int> ports)
    {
        var next = 0;
        SocketsHttpHandler handler = new() { ConnectCallback = ConnectAsync };
        return new(new ContractHandler(handler)) { BaseAddress = new(Address(ports[0])) };

        async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
        {
            var first = Interlocked.Increment(ref next);
            for (var i = 1; ; i++)
            {
                Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                try
                {
                    await socket.ConnectAsync(IPAddress.Loopback, ports[(first + i) % ports.Count], cancellationToken);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch (Exception e) when (e is SocketException or OperationCanceledException)
                {
                    socket.Dispose();
                    if (e is OperationCanceledException || i == ports.Count)
                    {
                        throw;
                    }
                }
            }
        }
    }

    private static ChildProcess Server(
        string name,
        string script,
        string program,
        string directory,
        int port,
        Dictionary<string, string> settings,
        Func<Task<bool>> isReady,
        string? quickStopSignal = null)
    {
        settings["DATA"] = Path.Combine(directory, name);
        settings["PORT"] = Text(port);
        return new(name, ["sh", script], settings, isReady) { Program = program, QuickStopSignal = quickStopSignal };
    }

    private static string Address(int port) => $"http://127.0.0.1:{Text(port)}";

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
