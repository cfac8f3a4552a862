using System.Reflection;

namespace TicketApp.Tests.Fixtures;

/// <summary>The repository that the tests were built from.</summary>
internal static class Repository
{
    /// <summary>Its root.</summary>
    public static string Root { get; } =
        typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(metadata => metadata.Key == "RepositoryRoot")
            .Value!;

    /// <summary>Where <c>./ticketapp setup</c> puts what the tests need and distributions lack.</summary>
    public static string Tools { get; } = Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache
            ? cache
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
        "ticketapp",
        "tools");

    /// <summary>Whether coverage is collected: services then run from the folder that is instrumented, and end by a signal.</summary>
    public static bool IsCovered { get; } = Environment.GetEnvironmentVariable("TICKETAPP_COVERAGE") is { Length: > 0 };

    /// <summary>Debug or Release: what the tests were built in, and all that they start with them.</summary>
    private static string Configuration { get; } =
        typeof(Repository).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;

    /// <summary>The program that a project makes.</summary>
    /// <param name="project">The project.</param>
    /// <param name="root">Another clone of the repository; null: this one.</param>
    public static string OutputOf(string project, string? root = null) => IsCovered && root is null
        ? Path.Combine(AppContext.BaseDirectory, project)
        : Path.Combine(root ?? Root, project, "bin", Configuration, "net10.0", project);
}
