namespace TicketApp.Tests.AppHost.Publish;

/// <summary>What a manifest gives a container, in whatever form its target writes it (<see cref="Workloads"/>).</summary>
internal sealed record Workload
{
    /// <summary>All variables, with the values that a site gives its parameters and secrets.</summary>
    public required IReadOnlyDictionary<string, string> Variables { get; init; }

    /// <summary>The command that it runs in place of its image's own; empty: the image's.</summary>
    public IReadOnlyList<string> Command { get; init; } = [];

    /// <summary>User and group; what a manifest leaves out is the image's.</summary>
    public long User { get; init; } = 1654;

    /// <inheritdoc cref="User"/>
    public long Group { get; init; } = 1654;

    public bool HasReadOnlyRoot { get; init; }

    /// <summary>The folders that it can write to beside that.</summary>
    public IReadOnlyList<string> Scratch { get; init; } = [];

    public bool MayGainPrivileges { get; init; } = true;

    public bool HasCapabilities { get; init; } = true;

    /// <summary>Bytes of memory that it has at most; null: all.</summary>
    public long? Memory { get; init; }

    /// <summary>Processors that it has at most; null: all.</summary>
    public double? Cpus { get; init; }

    /// <summary>How long it serves after it was told to stop.</summary>
    public TimeSpan Pause { get; init; }

    /// <summary>How long it has to stop, with the pause.</summary>
    public TimeSpan Grace { get; init; }
}
