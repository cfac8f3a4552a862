namespace TicketApp.Messaging;

/// <summary>
/// The pause of a loop that serves all that has come in. Every round costs a commit or a confirmed message, whatever it serves: where
/// many come together, a moment's wait makes rounds fewer and larger. Where few come, nobody waits.
/// </summary>
public static class BatchLinger
{
    private const int Many = 8;
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(4);

    /// <summary>Ends at once after a round that served few, in four milliseconds after one that served many.</summary>
    /// <param name="served">How many the last round served.</param>
    public static Task AfterAsync(int served) => served < Many ? Task.CompletedTask : Task.Delay(_pause);
}
