namespace TicketApp.Api.Storage;

/// <summary>Where a ticket is. The database's type <c>ticket_status</c> has the same words in snake_case.</summary>
public enum TicketStatus
{
    /// <summary>Waits in the backlog for capacity in the dispatch window.</summary>
    Queued,

    /// <summary>Waits for its next attempt after a failure.</summary>
    Retryable,

    /// <summary>Handed to the broker, not known to run.</summary>
    Dispatched,

    /// <summary>A worker said that it runs.</summary>
    Running,

    /// <summary>Its user has ended it, and its worker is told to stop.</summary>
    Canceling,

    /// <summary>Ended with a response.</summary>
    Succeeded,

    /// <summary>Ended after its last attempt.</summary>
    Failed,

    /// <summary>Ran over its deadline.</summary>
    TimedOut,

    /// <summary>Ran out of time before it started.</summary>
    Expired,

    /// <summary>Ended by its user.</summary>
    Canceled,
}

internal static class TicketStatusNames
{
    /// <summary>Reads the database's word.</summary>
    public static TicketStatus Parse(string name) => name switch
    {
        "queued" => TicketStatus.Queued,
        "retryable" => TicketStatus.Retryable,
        "dispatched" => TicketStatus.Dispatched,
        "running" => TicketStatus.Running,
        "canceling" => TicketStatus.Canceling,
        "succeeded" => TicketStatus.Succeeded,
        "failed" => TicketStatus.Failed,
        "timed_out" => TicketStatus.TimedOut,
        "expired" => TicketStatus.Expired,
        "canceled" => TicketStatus.Canceled,
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No such ticket status."),
    };

    /// <summary>What the resource API shows, in the order in which a ticket goes through it.</summary>
    public static readonly IReadOnlyList<string> AllPublic =
        ["queued", "running", "canceling", "succeeded", "failed", "timed_out", "expired", "canceled"];

    /// <summary>The database's word.</summary>
    public static string Of(TicketStatus status) => status switch
    {
        TicketStatus.Queued => "queued",
        TicketStatus.Retryable => "retryable",
        TicketStatus.Dispatched => "dispatched",
        TicketStatus.Running => "running",
        TicketStatus.Canceling => "canceling",
        TicketStatus.Succeeded => "succeeded",
        TicketStatus.Failed => "failed",
        TicketStatus.TimedOut => "timed_out",
        TicketStatus.Expired => "expired",
        TicketStatus.Canceled => "canceled",
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "No such ticket status."),
    };

    /// <summary>The word that the resource API shows: a ticket is queued until it is known to run.</summary>
    public static string PublicOf(TicketStatus status) =>
        status is TicketStatus.Retryable or TicketStatus.Dispatched ? "queued" : Of(status);

    /// <summary>The database's words for one of the resource API's.</summary>
    public static IReadOnlyList<string> OfPublic(string name) => name == "queued" ? ["queued", "retryable", "dispatched"] : [name];
}
