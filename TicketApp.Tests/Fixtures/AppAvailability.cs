using System.Diagnostics.CodeAnalysis;

namespace TicketApp.Tests.Fixtures;

/// <summary>Whether this machine can run the application, and what becomes of tests that need it where it cannot.</summary>
internal static class AppAvailability
{
    /// <summary>In CI a test that cannot run is a failure.</summary>
    public static bool MaySkip => string.IsNullOrEmpty(Environment.GetEnvironmentVariable("CI"));

    /// <summary>Why it cannot; null if it can, as far as is known before a start.</summary>
    public static string? Obstacle =>
        OperatingSystem.IsLinux() ? null : "PostgreSQL and RabbitMQ are started as processes, by scripts for Linux: run these tests there.";

    /// <summary>Skips the test, or fails it in CI.</summary>
    /// <param name="obstacle">What it needs that is not here.</param>
    [DoesNotReturn]
    public static void Refuse(string obstacle)
    {
        Assert.SkipWhen(MaySkip, obstacle);
        throw new InvalidOperationException(obstacle);
    }
}
