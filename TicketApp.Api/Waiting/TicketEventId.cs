using System.Globalization;
using Microsoft.Extensions.Primitives;
using TicketApp.Api.Tickets;

namespace TicketApp.Api.Waiting;

/// <summary>
/// Numbers of a ticket's events. They follow from its epoch and its state alone, so that every replica gives an event the same one, and grow
/// along a ticket's way: an epoch begins with its release, then comes its start, then its return to the backlog, or an end.
/// </summary>
internal static class TicketEventId
{
    private const int StepsInAnEpoch = 4;
    private const int Started = 1;
    private const int Queued = 2;
    private const int Finished = 3;

    /// <summary>The first event of every ticket.</summary>
    public const long First = Queued;

    /// <summary>The number of the event that brought the ticket where it is; a released ticket is still where it was before.</summary>
    public static long Of(TicketRow row) => row switch
    {
        { IsFinished: true } => In(row.Epoch, Finished),
        { Status: TicketStatus.Released } => In(row.Epoch - 1, Queued),
        { Status: TicketStatus.Queued or TicketStatus.Waiting } => In(row.Epoch, Queued),
        _ => In(row.Epoch, Started),
    };

    /// <summary>The number of the start of the ticket's latest run.</summary>
    public static long OfStart(TicketRow row) => In(row.Epoch, Started);

    /// <summary>Reads the header <c>Last-Event-ID</c>; what cannot be read counts as none seen.</summary>
    public static long Parse(StringValues header) =>
        long.TryParse(header.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : -1;

    private static long In(int epoch, int step) => ((long)epoch * StepsInAnEpoch) + step;
}
