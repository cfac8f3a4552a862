using System.CommandLine;
using System.Reflection;
using TicketApp.Bench.Charts;
using TicketApp.Bench.Commands;
using TicketApp.Bench.Limits;
using TicketApp.Bench.Reports;
using TicketApp.Bench.Servers;

namespace TicketApp.Bench;

/// <summary>The program's commands and options.</summary>
internal static class BenchCommandLine
{
    private static readonly IBenchCommand[] _commands =
    [
        new ThroughputCommand(),
        new LatencyCommand(),
        new CompareCommand(),
        new LedgerCommand(),
        new LimitsCommand(),
        new FinishedGetCommand(),
        new BacklogCommand(),
        new WaitingCommand(),
        new ListenersCommand(),
        new SoakCommand(),
        new StartupCommand(),
        new SimulateCommand(),
        new TelemetryCommand(),
        new TuneCommand(),
    ];

    private static readonly Option<string?> _database = Text(
        "--database",
        "Connection string of a running PostgreSQL (a user that may create databases); without it and --broker, servers of our own");
    private static readonly Option<string?> _broker = Text("--broker", "AMQP URI of a running RabbitMQ");
    private static readonly Option<string?> _fileName = Text("--name", "Name of the result file");
    private static readonly Option<string[]> _variants = new("--variant")
    {
        Description = "One variant of tune, or that of ledger: name;KEY=VALUE;… "
            + "(DATABASE=… is put behind the connection string, with , for ;; "
            + "CHECKOUT=… runs the build of another checkout, NATIVE=true the native programs, HA=true on servers as with --ha, "
            + "REPLICAS=… so many of the API, each with --connections callers)",
        Recursive = true,
    };
    private static readonly Option<bool> _native = new("--native")
    {
        Description = "Measure TicketApp compiled natively",
        Recursive = true,
    };
    private static readonly Option<bool> _ha = new("--ha")
    {
        Description = "Measure on a RabbitMQ cluster of three and PostgreSQL with a synchronous standby",
        Recursive = true,
    };
    private static readonly Option<string> _against = new("--against")
    {
        Description = "What compare runs beside TicketApp: masstransit, wolverine, both of them, bullmq, or all three",
        DefaultValueFactory = _ => BenchOptions.Baselines[0].Key,
        Recursive = true,
    };
    private static readonly Option<int> _tickets = Number("--tickets", "Tickets a round", 20_000);
    private static readonly Option<int> _connections = Number(
        "--connections", "Callers of the closed loop, each with a connection of its own", 64);
    private static readonly Option<int> _warmUp = Number("--warm-up", "Requests before anything counts", 20_000);
    private static readonly Option<int> _rounds = Number("--rounds", "Rounds; the median counts", 3);
    private static readonly Option<int> _rate = Number("--rate", "Tickets per second of the open loop", 300);
    private static readonly Option<int> _seconds = Number("--seconds", "Length of the open loop", 30);
    private static readonly Option<int> _finished = Number("--finished", "Finished tickets stored beforehand", 10_000_000);
    private static readonly Option<int> _backlog = Number("--backlog", "Queued tickets that wait beforehand", 100_000);
    private static readonly Option<int> _hold = Number("--hold", "Seconds to hold still once warm, for a profiler", 0);

    public static RootCommand Create()
    {
        RootCommand root = new("Measures TicketApp and the limits of the machine it runs on.");
        _against.AcceptOnlyFromAmong(
            [.. BenchOptions.Baselines.Select(baseline => baseline.Key), BenchOptions.NetBaselines, BenchOptions.AllBaselines]);
        Option[] options =
        [
            _database, _broker, _fileName, _variants, _native, _ha, _against, _tickets, _connections,
            _warmUp, _rounds, _rate, _seconds, _finished, _backlog, _hold,
        ];
        foreach (var option in options)
        {
            root.Options.Add(option);
        }

        foreach (var bench in _commands)
        {
            Command command = new(bench.Name, bench.Description);
            command.SetAction((parsed, cancellationToken) => RunAsync(bench, Read(parsed), cancellationToken));
            root.Subcommands.Add(command);
        }

        Command charts = new("charts", "Draw the charts of the results that are there");
        charts.SetAction((parsed, cancellationToken) => ChartWriter.WriteAsync(Read(parsed), cancellationToken));
        root.Subcommands.Add(charts);
        Command sentiment = new("sentiment", "The sentiment classifier alone, on one core");
        sentiment.SetAction(_ => SentimentLimit.Run());
        root.Subcommands.Add(sentiment);
        Command empty = new(EmptyServer.CommandName) { Hidden = true };
        empty.SetAction((_, cancellationToken) => EmptyServer.RunAsync(cancellationToken));
        root.Subcommands.Add(empty);
        return root;
    }

    private static async Task<int> RunAsync(IBenchCommand bench, BenchOptions options, CancellationToken cancellationToken)
    {
        if (options is { Database: { } database, Broker: { } broker })
        {
            return options.IsReplicated
                ? throw new InvalidOperationException("--ha starts servers of our own: leave out --database and --broker.")
                : await RunAsync(bench, options, new BenchServers([database], [broker]), cancellationToken);
        }

        BenchSession.Say("starting PostgreSQL and RabbitMQ");
        await using var host = await ServerHost.StartAsync(options.IsReplicated, options, cancellationToken, bench.CountsStatements);
        return await RunAsync(bench, options, host.Servers, cancellationToken);
    }

    private static async Task<int> RunAsync(
        IBenchCommand bench, BenchOptions options, BenchServers servers, CancellationToken cancellationToken)
    {
        BenchSession session = new(options, servers, new FigureSheet());
        var machine = await servers.DescribeAsync(cancellationToken);
        await bench.RunAsync(session, cancellationToken);
        TablePrinter.Print(session.Sheet);
        ResultFile file = new()
        {
            Command = bench.Name,
            Date = DateTimeOffset.UtcNow,
            Machine = machine,
            Settings = new Dictionary<string, object>
            {
                ["tickets"] = options.Tickets,
                ["connections"] = options.Connections,
                ["rounds"] = options.Rounds,
                ["rate"] = options.Rate,
                ["seconds"] = options.Seconds,
                ["finished"] = options.Finished,
                ["backlog"] = options.Backlog,
                ["warm_up"] = options.WarmUpRequests,
                ["native"] = options.Native,
                ["ha"] = options.IsReplicated,
                ["against"] = options.Against,
            },
            Figures = session.Sheet.Figures,
        };
        var path = await file.WriteAsync(options.ResultsDirectory, options.Name ?? bench.Name, cancellationToken);
        BenchSession.Say("written to " + Path.GetRelativePath(options.RepositoryRoot, path));
        return 0;
    }

    private static BenchOptions Read(ParseResult parsed) => new()
    {
        Database = parsed.GetValue(_database),
        Broker = parsed.GetValue(_broker),
        Tickets = parsed.GetValue(_tickets),
        Connections = parsed.GetValue(_connections),
        WarmUpRequests = parsed.GetValue(_warmUp),
        Rounds = parsed.GetValue(_rounds),
        Rate = parsed.GetValue(_rate),
        Seconds = parsed.GetValue(_seconds),
        Finished = parsed.GetValue(_finished),
        Backlog = parsed.GetValue(_backlog),
        Hold = parsed.GetValue(_hold),
        Variants = parsed.GetValue(_variants) ?? [],
        Native = parsed.GetValue(_native),
        IsReplicated = parsed.GetValue(_ha),
        Against = parsed.GetValue(_against)!,
        Name = parsed.GetValue(_fileName),
        RepositoryRoot = Metadata("RepositoryRoot"),
        Configuration = Metadata("Configuration"),
    };

    private static string Metadata(string key) =>
        Assembly.GetExecutingAssembly().GetCustomAttributes<AssemblyMetadataAttribute>().First(attribute => attribute.Key == key).Value!;

    private static Option<string?> Text(string name, string description) => new(name) { Description = description, Recursive = true };

    private static Option<int> Number(string name, string description, int value) =>
        new(name) { Description = description, DefaultValueFactory = _ => value, Recursive = true };
}
