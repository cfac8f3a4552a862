using System.Diagnostics;
using System.Globalization;
using TicketApp.AppHost;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Conformance;

/// <summary>
/// A worker that is tested. It serves the model <c>simulated</c>, whose input is a JSON object: <c>seconds</c> to run, <c>fail</c> with
/// that message when they are over, and <c>progress</c>. Any answer will do.
/// </summary>
/// <param name="Name">Names it in the tests.</param>
/// <param name="Command">What starts it.</param>
internal sealed record ConformanceWorker(string Name, string[] Command)
{
    /// <summary>A shell command that starts a worker, to be tested in place of those of this repository.</summary>
    private const string CommandVariable = "TICKETAPP_CONFORMANCE_COMMAND";

    private const string PythonName = "python";

    private static readonly string _clients = Path.Combine(Repository.Root, "clients", "python");

    public static IReadOnlyList<ConformanceWorker> All { get; } =
        Environment.GetEnvironmentVariable(CommandVariable) is { Length: > 0 } command
            ? [new("other", ["sh", "-c", $"exec {command}"])]
            : [new("csharp", [Repository.OutputOf("TicketApp.Worker")]), Python("conformance.py")];

    /// <summary>Those that this machine can run: Python may lack the client of the broker, but not in CI.</summary>
    public static IReadOnlyList<ConformanceWorker> Available { get; } =
        [.. All.Where(worker => worker.Name != PythonName || !AppAvailability.MaySkip || HasPika)];

    /// <summary>Whether the Python that runs workers has the client of the broker.</summary>
    public static bool HasPika
    {
        get
        {
            using var check = Process.Start(new ProcessStartInfo(PythonWorkers.Interpreter(null), ["-c", "import pika"])
            {
                RedirectStandardError = true,
            })!;
            check.WaitForExit();
            return check.ExitCode == 0;
        }
    }

    /// <summary>Where the broker and the worker are alone.</summary>
    public string VirtualHost => $"conformance-{Name}";

    /// <summary>What it is told, as its settings.</summary>
    /// <param name="broker">The address of the broker, with the account of workers.</param>
    public static Dictionary<string, string> Settings(Uri broker) => new()
    {
        ["ConnectionStrings__rabbitmq"] = broker.ToString(),
        ["Worker__Concurrency"] = "4",
        ["Worker__DrainTimeout"] = "00:00:01",
        ["Worker__Models__0"] = "simulated",
        ["Simulator__MinDuration"] = "00:00:00",
        ["Simulator__MaxDuration"] = "00:00:00",
        ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{AppProcesses.NextPort().ToString(CultureInfo.InvariantCulture)}",
        ["PYTHONPATH"] = _clients,
    };

    /// <summary>A worker in Python.</summary>
    /// <param name="example">One of its examples.</param>
    /// <param name="arguments">The example's own.</param>
    public static ConformanceWorker Python(string example, params string[] arguments) =>
        new(PythonName, [PythonWorkers.Interpreter(null), Path.Combine(_clients, "examples", example), .. arguments]);
}
