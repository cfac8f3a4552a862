using System.Globalization;
using TicketApp.Api.Storage;

namespace TicketApp.Api.Waiting;

/// <summary>
/// Numbers a ticket's events. They follow from its epoch and its state alone, so that every replica gives an event the same one, and grow
/// along a ticket's way: an epoch begins with its dispatch, then comes its start with the reports of its progress, then its return to the
/// backlog, or an end.
/// Written as <c>5</c>, and <c>5-12</c> for the twelfth report after the start 5.
/// </summary>
/// <param name="Step">The step on the ticket's way.</param>
/// <param name="Report">The report of progress within it; 0 for the step itself.</param>
internal readonly record struct TicketEventId(long Step, int Report = 0)
{
    private const int StepsInAnEpoch = 4;
    private const int Started = 1;
    private const int Queued = 2;
    private const int Finished = 3;

    /// <summary>Before the first event.</summary>
    public static TicketEventId None { get; } = new(-1);

    /// <summary>The first event of every ticket.</summary>
    public static TicketEventId First { get; } = new(Queued);

    /// <summary>The event that brought the ticket where it is; a dispatched ticket is still where it was before.</summary>
    public static TicketEventId Of(TicketRecord row) => row switch
    {
        { IsFinished: true } => In(row.Epoch, Finished),
        { Status: TicketStatus.Dispatched } => In(row.Epoch - 1, Queued),
        { Status: TicketStatus.Queued or TicketStatus.Retryable } => In(row.Epoch, Queued),
        _ => In(row.Epoch, Started),
    };

    /// <summary>The start of the ticket's latest run.</summary>
    public static TicketEventId OfStart(TicketRecord row) => In(row.Epoch, Started);

    /// <summary>Reads the header <c>Last-Event-ID</c>; what cannot be read counts as none seen.</summary>
    public static TicketEventId Parse(string? header)
    {
        var parts = (header ?? "").Split('-');
        return long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var step)
            ? new(
                step,
                parts.Length == 2 && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var report) ? report : 0)
            : None;
    }

    public override string ToString() =>
        Step.ToString(CultureInfo.InvariantCulture) + (Report == 0 ? "" : $"-{Report.ToString(CultureInfo.InvariantCulture)}");

    private static TicketEventId In(int epoch, int step) => new(((long)epoch * StepsInAnEpoch) + step);
}
