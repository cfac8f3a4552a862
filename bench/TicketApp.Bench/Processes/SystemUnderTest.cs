using TicketApp.Bench.Machine;
using TicketApp.Bench.Servers;

namespace TicketApp.Bench.Processes;

/// <summary>A system that runs: its processes, its address, its database.</summary>
/// <param name="name">As in the tables.</param>
/// <param name="addresses">Of its HTTP API: one for each replica.</param>
/// <param name="database">
/// Connection string; it has a table <c>tickets</c> with the columns of the original. Null: it uses neither PostgreSQL nor RabbitMQ.
/// </param>
/// <param name="replicas">Its Api processes.</param>
/// <param name="worker">Its worker process.</param>
internal sealed class SystemUnderTest(
    string name, IReadOnlyList<Uri> addresses, string? database, IReadOnlyList<ChildProcess> replicas, ChildProcess worker)
    : IAsyncDisposable
{
    public string Name { get; } = name;

    public IReadOnlyList<Uri> Addresses { get; } = addresses;

    /// <summary>The address of the first replica.</summary>
    public Uri Address => Addresses[0];

    public bool HasDatabase => database is not null;

    /// <exception cref="InvalidOperationException">It has none.</exception>
    public string Database => database ?? throw new InvalidOperationException($"{Name} has no PostgreSQL database.");

    public IReadOnlyList<ChildProcess> Replicas { get; } = replicas;

    /// <summary>The first replica.</summary>
    public ChildProcess Api => Replicas[0];

    public ChildProcess Worker { get; } = worker;

    /// <summary>How long the Api took to be healthy.</summary>
    public TimeSpan ApiStart { get; init; }

    /// <summary>How long the worker took to be healthy.</summary>
    public TimeSpan WorkerStart { get; init; }

    /// <summary>The server that it alone uses, and that ends with it.</summary>
    public RedisServer? Redis { get; init; }

    public IReadOnlyList<ProcessTree> Trees =>
    [
        .. Replicas.Select(replica => replica.Tree with { Name = "api" }),
        Worker.Tree with { Name = "worker" },
        .. Redis is null ? [] : new[] { Redis.Process.Tree },
    ];

    public async ValueTask DisposeAsync()
    {
        await Worker.DisposeAsync();
        foreach (var replica in Replicas)
        {
            await replica.DisposeAsync();
        }

        if (Redis is not null)
        {
            await Redis.DisposeAsync();
        }
    }
}
