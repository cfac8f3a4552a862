using TicketApp.Bench.Limits;
using TicketApp.Bench.Load;

namespace TicketApp.Bench.Commands;

/// <summary>How fast finished tickets are read, beside an empty request to a bare Kestrel.</summary>
internal sealed class FinishedGetCommand : IBenchCommand
{
    private const int Tickets = 2000;
    private static readonly TimeSpan _time = TimeSpan.FromSeconds(3);

    public string Name => "finished-get";

    public string Description => "GET /ticket of finished tickets per second, as a ratio to empty POSTs to a bare Kestrel";

    public async Task RunAsync(BenchSession session, CancellationToken cancellationToken)
    {
        await using var system = await session.TicketApp.StartAsync(new Dictionary<string, string>(), cancellationToken);
        using Callers callers = new(system.Addresses, session.Options.Connections);
        TicketLoad created = new() { Tickets = Tickets };
        await callers.RunAsync(created, cancellationToken);
        byte[][] questions =
        [
            .. created.Ended.Keys.Select(ticket => HttpConnection.Request(system.Address, $"/ticket?ticket_id={ticket}", null)),
        ];

        var (empty, address) = await EmptyServer.StartAsync(cancellationToken);
        await using (empty)
        {
            using HttpLoad ours = new(system.Address, session.Options.Connections);
            using HttpLoad bare = new(address, session.Options.Connections);
            byte[][] post = [HttpConnection.Request(address, "/", """{"user_id":"0193a5a0-0000-7000-8000-000000000000"}""")];
            await ours.RepeatAsync(questions, _time, cancellationToken);
            await bare.RepeatAsync(post, _time, cancellationToken);
            for (var round = 1; round <= session.Options.Rounds; round++)
            {
                session.Sheet.Add("GET /ticket, finished", "per second", "", await ours.RepeatAsync(questions, _time, cancellationToken));
                session.Sheet.Add("empty POST", "per second", "", await bare.RepeatAsync(post, _time, cancellationToken));
            }
        }

        session.Sheet.AddRatio("ratio", "per second", "GET /ticket, finished", "empty POST");
    }
}
