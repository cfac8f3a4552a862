using System.Globalization;
using System.Runtime.InteropServices;

namespace TicketApp.Bench.Machine;

/// <summary>What the figures were measured on.</summary>
internal sealed record MachineDescription
{
    public required string Processor { get; init; }

    public required int Cores { get; init; }

    public required double MemoryGigabytes { get; init; }

    public required string Kernel { get; init; }

    public required string DotNet { get; init; }

    public string? PostgreSql { get; init; }

    public string? RabbitMq { get; init; }

    /// <summary>Load of the machine before the measurement, over one minute: well above 0 means that others use it too.</summary>
    public required double LoadBefore { get; init; }

    public static MachineDescription Read() => new()
    {
        Processor = Field("/proc/cpuinfo", "model name") ?? RuntimeInformation.ProcessArchitecture.ToString(),
        Cores = Environment.ProcessorCount,
        MemoryGigabytes = Math.Round(
            double.Parse(Field("/proc/meminfo", "MemTotal")!.Split(' ')[0], CultureInfo.InvariantCulture) * 1024 / 1e9, 1),
        Kernel = $"{RuntimeInformation.OSDescription}, Linux {File.ReadAllText("/proc/sys/kernel/osrelease").Trim()}",
        DotNet = RuntimeInformation.FrameworkDescription,
        LoadBefore = double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture),
    };

    private static string? Field(string file, string name) =>
        File.ReadLines(file).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?.Split(':', 2)[1].Trim();
}
