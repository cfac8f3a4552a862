using System.ComponentModel;
using System.Diagnostics;
using System.Reflection;

namespace TicketApp.Tests.Fixtures;

/// <summary>Whether this machine can start the application at all: natively in offline mode, else with a container engine.</summary>
internal static class AppAvailability
{
    private static readonly Lazy<bool> _hasContainerEngine = new(() => Answers("docker") || Answers("podman"));

    public static bool IsOffline { get; } = typeof(AppAvailability).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Any(metadata => metadata is { Key: "AspireMode", Value: "offline" });

    /// <summary>In CI a test that cannot run is a failure.</summary>
    public static bool MaySkip => string.IsNullOrEmpty(Environment.GetEnvironmentVariable("CI"));

    /// <summary>Why it cannot; null if it can, as far as is known before a start.</summary>
    public static string? Obstacle => IsOffline || _hasContainerEngine.Value ? null : "No container engine answers.";

    private static bool Answers(string engine)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(engine, "info") { RedirectStandardOutput = true, RedirectStandardError = true })!;
            process.OutputDataReceived += (_, _) => { };
            process.BeginOutputReadLine();
            return process.WaitForExit(TimeSpan.FromSeconds(10)) && process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
