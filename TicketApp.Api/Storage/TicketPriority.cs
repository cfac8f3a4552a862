namespace TicketApp.Api.Storage;

/// <summary>
/// How soon a ticket comes when tickets wait, by its number in the database. While all have some waiting, four high ones go for each normal
/// one, and four normal ones for each low one.
/// </summary>
internal enum TicketPriority
{
    Low = 0,
    Normal = 1,
    High = 2,
}

internal static class TicketPriorityNames
{
    /// <summary>All of them, as callers write them.</summary>
    public static readonly IReadOnlyList<string> All = ["low", "normal", "high"];

    public static string Of(TicketPriority priority) => All[(int)priority];

    /// <summary>Reads a caller's word.</summary>
    /// <returns>Null if there is no such priority.</returns>
    public static TicketPriority? Parse(string name) => name switch
    {
        "low" => TicketPriority.Low,
        "normal" => TicketPriority.Normal,
        "high" => TicketPriority.High,
        _ => null,
    };
}
