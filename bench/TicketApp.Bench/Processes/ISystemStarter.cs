namespace TicketApp.Bench.Processes;

/// <summary>Brings up a system with an empty database and empty queues.</summary>
internal interface ISystemStarter
{
    /// <summary>As in the tables.</summary>
    string Name { get; }

    /// <summary>Starts it and waits until it is healthy.</summary>
    /// <param name="settings">Environment variables on top of what it needs.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<SystemUnderTest> StartAsync(IReadOnlyDictionary<string, string> settings, CancellationToken cancellationToken);
}
