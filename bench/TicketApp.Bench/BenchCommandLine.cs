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
    private static readonly IBenchCommand[] Commands =
    [
        new ThroughputCommand(),
        new LatencyCommand(),
        new CompareCommand(),
        new LimitsCommand(),
        new FinishedGetCommand(),
        new BacklogCommand(),
        new WaitingCommand(),
        new StartupCommand(),
        new TuneCommand(),
    ];

    private static readonly Option<string?> Database = Text("--database", "Connection string of a running PostgreSQL (a user that may create databases); without it and --broker, servers of our own");
    private static readonly Option<string?> Broker = Text("--broker", "AMQP URI of a running RabbitMQ");
    private static readonly Option<string?> FileName = Text("--name", "Name of the result file");
    private static readonly Option<string[]> Variants = new("--variant") { Description = "One variant of tune: name;KEY=VALUE;… (DATABASE=… is put behind the connection string, with , for ;)", Recursive = true };
    private static readonly Option<int> Tickets = Number("--tickets", "Tickets a round", 20_000);
    private static readonly Option<int> Connections = Number("--connections", "Callers of the closed loop, each with a connection of its own", 64);
    private static readonly Option<int> WarmUp = Number("--warm-up", "Requests before anything counts", 20_000);
    private static readonly Option<int> Rounds = Number("--rounds", "Rounds; the median counts", 3);
    private static readonly Option<int> Rate = Number("--rate", "Tickets per second of the open loop", 300);
    private static readonly Option<int> Seconds = Number("--seconds", "Length of the open loop", 30);
    private static readonly Option<int> Finished = Number("--finished", "Finished tickets stored beforehand", 10_000_000);
    private static readonly Option<int> Backlog = Number("--backlog", "Queued tickets that wait beforehand", 100_000);
    private static readonly Option<int> Hold = Number("--hold", "Seconds to hold still once warm, for a profiler", 0);

    public static RootCommand Create()
    {
        RootCommand root = new("Measures TicketApp and the limits of the machine it runs on.");
        foreach (var option in new Option[] { Database, Broker, FileName, Variants, Tickets, Connections, WarmUp, Rounds, Rate, Seconds, Finished, Backlog, Hold })
        {
            root.Options.Add(option);
        }

        foreach (var bench in Commands)
        {
            Command command = new(bench.Name, bench.Description);
            command.SetAction((parsed, cancellationToken) => RunAsync(bench, Read(parsed), cancellationToken));
            root.Subcommands.Add(command);
        }

        Command charts = new("charts", "Draw the charts of the results that are there");
        charts.SetAction((parsed, cancellationToken) => ChartWriter.WriteAsync(Read(parsed), cancellationToken));
        root.Subcommands.Add(charts);
        Command empty = new(EmptyServer.CommandName) { Hidden = true };
        empty.SetAction((_, cancellationToken) => EmptyServer.RunAsync(cancellationToken));
        root.Subcommands.Add(empty);
        return root;
    }

    private static async Task<int> RunAsync(IBenchCommand bench, BenchOptions options, CancellationToken cancellationToken)
    {
        if (options is { Database: { } database, Broker: { } broker })
        {
            return await RunAsync(bench, options, new BenchServers(database, broker), cancellationToken);
        }

        BenchSession.Say("starting PostgreSQL and RabbitMQ");
        await using var host = await ServerHost.StartAsync(cancellationToken);
        return await RunAsync(bench, options, new BenchServers(host.Database, host.Broker), cancellationToken);
    }

    private static async Task<int> RunAsync(IBenchCommand bench, BenchOptions options, BenchServers servers, CancellationToken cancellationToken)
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
            },
            Figures = session.Sheet.Figures,
        };
        BenchSession.Say("written to " + Path.GetRelativePath(options.RepositoryRoot, await file.WriteAsync(options.ResultsDirectory, options.Name ?? bench.Name, cancellationToken)));
        return 0;
    }

    private static BenchOptions Read(ParseResult parsed) => new()
    {
        Database = parsed.GetValue(Database),
        Broker = parsed.GetValue(Broker),
        Tickets = parsed.GetValue(Tickets),
        Connections = parsed.GetValue(Connections),
        WarmUpRequests = parsed.GetValue(WarmUp),
        Rounds = parsed.GetValue(Rounds),
        Rate = parsed.GetValue(Rate),
        Seconds = parsed.GetValue(Seconds),
        Finished = parsed.GetValue(Finished),
        Backlog = parsed.GetValue(Backlog),
        Hold = parsed.GetValue(Hold),
        Variants = parsed.GetValue(Variants) ?? [],
        Name = parsed.GetValue(FileName),
        RepositoryRoot = Metadata("RepositoryRoot"),
        Configuration = Metadata("Configuration"),
    };

    private static string Metadata(string key) =>
        Assembly.GetExecutingAssembly().GetCustomAttributes<AssemblyMetadataAttribute>().First(attribute => attribute.Key == key).Value!;

    private static Option<string?> Text(string name, string description) => new(name) { Description = description, Recursive = true };

    private static Option<int> Number(string name, string description, int value) =>
        new(name) { Description = description, DefaultValueFactory = _ => value, Recursive = true };
}
