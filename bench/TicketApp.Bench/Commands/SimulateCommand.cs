using System.Diagnostics;

namespace TicketApp.Bench.Commands;

/// <summary>Runs the simulation, which is a program of its own because it is compiled against the Api, on this run's PostgreSQL.</summary>
internal sealed class SimulateCommand : IBenchCommand
{
    public string Name => "simulate";

    public string Description =>
        "Dispatching by the Api's own statements, with 10 million tickets waiting and 1,000 workers that are only counted";

    public async Task RunAsync(BenchSession session, CancellationToken cancellationToken)
    {
        var program = Path.Combine(session.Options.RepositoryRoot, "bench", "TicketApp.Simulation");
        var assembly = Path.Combine(program, "bin", session.Options.Configuration, "net10.0", "TicketApp.Simulation.dll");
        using var process = Process.Start(new ProcessStartInfo("dotnet", [assembly, "--database", session.Servers.Database]))!;
        await process.WaitForExitAsync(cancellationToken);
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"The simulation ended with exit code {process.ExitCode}.");
        }
    }
}
