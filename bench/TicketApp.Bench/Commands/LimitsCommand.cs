using TicketApp.Bench.Limits;
using TicketApp.Bench.Load;

namespace TicketApp.Bench.Commands;

/// <summary>What the machine itself can do: no system on it can be faster.</summary>
internal sealed class LimitsCommand : IBenchCommand
{
    private const string DatabaseName = "bench_limits";
    private static readonly TimeSpan _time = TimeSpan.FromSeconds(3);

    public string Name => "limits";

    public string Description =>
        "The machine's limits: INSERT commits, quorum queue publish-confirm and consume-ack, empty requests to Kestrel, each per second";

    public async Task RunAsync(BenchSession session, CancellationToken cancellationToken)
    {
        for (var round = 1; round <= session.Options.Rounds; round++)
        {
            BenchSession.Say($"round {round} of {session.Options.Rounds}");
            await MeasureDatabaseAsync(session, cancellationToken);
            await MeasureQueueAsync(session, cancellationToken);
            await MeasureServerAsync(session, cancellationToken);
        }
    }

    private static void Add(BenchSession session, string name, double value) => session.Sheet.Add("per second", name, "", value);

    private static async Task MeasureDatabaseAsync(BenchSession session, CancellationToken cancellationToken)
    {
        var database = await session.Servers.CreateDatabaseAsync(DatabaseName, cancellationToken);
        foreach (var clients in new[] { 1, 8, 64 })
        {
            Add(session, $"INSERT of one row, {clients} clients", await InsertAsync(clients, rows: 1));
        }

        Add(session, "rows by INSERT of 100, 1 client", await InsertAsync(clients: 1, rows: 100));
        Add(session, "rows by INSERT of 100, 8 clients", await InsertAsync(clients: 8, rows: 100));
        await session.Servers.DropDatabaseAsync(DatabaseName, cancellationToken);

        Task<double> InsertAsync(int clients, int rows) =>
            InsertLimit.MeasureAsync(database, clients, rows, _time, cancellationToken);
    }

    private static async Task MeasureQueueAsync(BenchSession session, CancellationToken cancellationToken)
    {
        QueueTtl queue = new(session.Servers);
        foreach (var inFlight in new[] { 1, 64, 1024 })
        {
            var confirmed = await queue.PublishAsync(inFlight, _time, expiration: null, cancellationToken);
            Add(session, $"publish and confirm, {inFlight} in flight", confirmed);
        }

        Add(session, "consume, an ack for each", await queue.ConsumeAsync(ackEvery: 1, _time, cancellationToken));
        await queue.PublishAsync(1024, _time, expiration: null, cancellationToken);
        Add(session, "consume, an ack for 50", await queue.ConsumeAsync(ackEvery: 50, _time, cancellationToken));
        await queue.DeleteAsync(cancellationToken);
        Add(session, "publish with expiration, 64 in flight", await queue.PublishAsync(64, _time, expiration: "25000", cancellationToken));
        Add(session, "consume with expiration, an ack for each", await queue.ConsumeAsync(ackEvery: 1, _time, cancellationToken));
        await queue.DeleteAsync(cancellationToken);
    }

    private static async Task MeasureServerAsync(BenchSession session, CancellationToken cancellationToken)
    {
        var (process, address) = await EmptyServer.StartAsync(cancellationToken);
        await using (process)
        {
            using HttpLoad load = new(address, session.Options.Connections);
            var post = HttpConnection.Request(address, "/", """{"user_id":"0193a5a0-0000-7000-8000-000000000000"}""");
            var get = HttpConnection.Request(address, "/", null);
            // Warm first: tiered compilation runs for a while.
            await load.RepeatAsync([post, get], _time, cancellationToken);
            Add(session, "empty POST through Kestrel", await load.RepeatAsync([post], _time, cancellationToken));
            Add(session, "empty GET through Kestrel", await load.RepeatAsync([get], _time, cancellationToken));
        }
    }
}
