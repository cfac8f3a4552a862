using TicketApp.Bench.Processes;

namespace TicketApp.Bench;

/// <summary>What the command line says; each command uses what concerns it.</summary>
internal sealed record BenchOptions
{
    /// <summary>The .NET services of <see cref="Baselines"/>.</summary>
    public const string NetBaselines = "both";

    /// <summary>All of <see cref="Baselines"/>.</summary>
    public const string AllBaselines = "all";

    /// <summary>The systems of <c>bench/</c> that TicketApp can be compared with: as on the command line and as in the tables.</summary>
    public static IReadOnlyList<(string Key, string Name)> Baselines { get; } =
        [("masstransit", "MassTransit"), ("wolverine", "Wolverine"), (BullMqStarter.Key, BullMqStarter.SystemName)];

    /// <summary>Npgsql connection string of a running PostgreSQL, as a user that may create databases; null: one of our own.</summary>
    public string? Database { get; init; }

    /// <summary>AMQP URI of a running RabbitMQ; null: one of our own.</summary>
    public string? Broker { get; init; }

    public required int Tickets { get; init; }

    public required int Connections { get; init; }

    public required int WarmUpRequests { get; init; }

    public required int Rounds { get; init; }

    /// <summary>Tickets per second of the open loop.</summary>
    public required double Rate { get; init; }

    public required int Seconds { get; init; }

    /// <summary>Finished tickets that are stored beforehand.</summary>
    public required int Finished { get; init; }

    /// <summary>Queued tickets that wait beforehand.</summary>
    public required int Backlog { get; init; }

    /// <summary>Seconds to hold still once a system is warm, for a profiler to be attached; the process ids are printed.</summary>
    public required int Hold { get; init; }

    /// <summary>Variants to compare, as <see cref="Variant.Parse"/> reads them.</summary>
    public required IReadOnlyList<string> Variants { get; init; }

    /// <summary>Whether TicketApp's native programs are measured, which <c>./ticketapp bench --native</c> builds.</summary>
    public required bool Native { get; init; }

    /// <summary>Whether the servers of our own are a RabbitMQ cluster of three and PostgreSQL with a synchronous standby.</summary>
    public required bool IsReplicated { get; init; }

    /// <summary>The key of the baseline that TicketApp is compared with, or a name for several.</summary>
    public required string Against { get; init; }

    /// <summary>Name of the result file; null: the command's.</summary>
    public string? Name { get; init; }

    public required string RepositoryRoot { get; init; }

    public required string Configuration { get; init; }

    /// <summary>Whether TicketApp is compared with the baseline of that key.</summary>
    public bool IsAgainst(string key) => Against switch
    {
        AllBaselines => true,
        NetBaselines => key != BullMqStarter.Key,
        _ => key == Against,
    };

    public string ResultsDirectory => Path.Combine(RepositoryRoot, "bench", "results");

    public string ImagesDirectory => Path.Combine(RepositoryRoot, "docs", "images");
}
