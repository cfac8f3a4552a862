using System.Diagnostics;
using TicketApp.AppHost;
using TicketApp.Tests.Conformance;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Clients.Unit;

/// <summary>The package in clients/python.</summary>
public sealed class PythonClientTests
{
    private static readonly string _clients = Path.Combine(Repository.Root, "clients", "python");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Its_own_tests_pass()
    {
        Assert.SkipUnless(ConformanceWorker.HasPika || !AppAvailability.MaySkip, "Python has no pika: run ./ticketapp setup.");

        var (exitCode, output) = await RunAsync(["-W", "error", "-m", "unittest", "discover", "-s", "tests"]);

        Assert.True(exitCode == 0, output);
        Assert.Contains("OK", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_pika_it_says_what_to_install()
    {
        // As for a Python that does not have the packages of the system.
        var (exitCode, output) = await RunAsync(["-S", Path.Combine("examples", "shout.py")]);

        Assert.NotEqual(0, exitCode);
        Assert.Contains("apt-get install python3-pika", output.TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(PythonWorkers.Interpreter(null), arguments)
        {
            WorkingDirectory = _clients,
            RedirectStandardError = true,
            Environment = { ["PYTHONPATH"] = _clients, ["PYTHONDONTWRITEBYTECODE"] = "1" },
        })!;
        var output = await process.StandardError.ReadToEndAsync(Cancel);
        await process.WaitForExitAsync(Cancel);
        return (process.ExitCode, output);
    }
}
