namespace TicketApp.Bench.Commands;

/// <summary>From the start of a process to its first healthy answer.</summary>
internal sealed class StartupCommand : IBenchCommand
{
    public string Name => "startup";

    public string Description => "Milliseconds from the start of a process to /health 200, on a database that is up to date";

    public async Task RunAsync(BenchSession session, CancellationToken cancellationToken)
    {
        var starter = session.TicketApp;
        var database = await starter.PrepareAsync(cancellationToken);
        // The first start makes the schema.
        await (await starter.StartAsync(database, new Dictionary<string, string>(), cancellationToken)).DisposeAsync();
        for (var round = 1; round <= session.Options.Rounds; round++)
        {
            await using var system = await starter.StartAsync(database, new Dictionary<string, string>(), cancellationToken);
            session.Sheet.Add("Api", "start to healthy", "ms", system.ApiStart.TotalMilliseconds);
            session.Sheet.Add("worker", "start to healthy", "ms", system.WorkerStart.TotalMilliseconds);
        }
    }
}
