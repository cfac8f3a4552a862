using TicketApp.Bench.Machine;

namespace TicketApp.Bench.Processes;

/// <summary>A system that runs: its processes, its address, its database.</summary>
/// <param name="name">As in the tables.</param>
/// <param name="address">Of its HTTP API.</param>
/// <param name="database">Connection string; it has a table <c>tickets</c> with the columns of the original.</param>
/// <param name="api">Its Api process.</param>
/// <param name="worker">Its worker process.</param>
internal sealed class SystemUnderTest(string name, Uri address, string database, ChildProcess api, ChildProcess worker) : IAsyncDisposable
{
    public string Name { get; } = name;

    public Uri Address { get; } = address;

    public string Database { get; } = database;

    public ChildProcess Api { get; } = api;

    public ChildProcess Worker { get; } = worker;

    /// <summary>How long the Api took to be healthy.</summary>
    public TimeSpan ApiStart { get; init; }

    /// <summary>How long the worker took to be healthy.</summary>
    public TimeSpan WorkerStart { get; init; }

    public IReadOnlyList<ProcessTree> Trees => [Api.Tree with { Name = "api" }, Worker.Tree with { Name = "worker" }];

    public async ValueTask DisposeAsync()
    {
        await Worker.DisposeAsync();
        await Api.DisposeAsync();
    }
}
