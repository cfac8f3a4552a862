namespace TicketApp.Bench.Load;

/// <summary>Users that a run creates tickets for, as ready bodies of <c>POST /ticket</c>.</summary>
internal static class TicketUsers
{
    private const int Count = 100;

    public static async Task<byte[][]> CreateAsync(TicketClient client, CancellationToken cancellationToken) =>
        [.. (await Task.WhenAll(Enumerable.Range(0, Count).Select(_ => client.CreateUserAsync(cancellationToken)))).Select(TicketClient.TicketBody)];
}
