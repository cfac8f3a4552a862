namespace TicketApp.Contracts;

/// <summary>The models that workers run. A ticket for any other is refused when it is submitted.</summary>
public static class ModelNames
{
    /// <summary>The original system's ML step: waits a random time and answers happy or sad.</summary>
    public const string Simulated = "simulated";

    /// <summary>All of them, the default first.</summary>
    public static IReadOnlyList<string> All { get; } = [Simulated];
}
