namespace TicketApp.Bench.Processes;

/// <summary>One way to run TicketApp: environment variables under a name.</summary>
/// <param name="Name">As in the tables.</param>
/// <param name="Environment">What it sets, for Api and worker alike.</param>
internal sealed record Variant(string Name, IReadOnlyDictionary<string, string> Environment)
{
    /// <summary>Reads <c>name;KEY=VALUE;KEY=VALUE</c>; the name alone is the defaults.</summary>
    public static Variant Parse(string text)
    {
        var parts = text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return new(parts[0], parts.Skip(1).Select(part => part.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]));
    }
}
