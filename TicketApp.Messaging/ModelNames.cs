namespace TicketApp.Messaging;

/// <summary>The models that code speaks of by name. Any other is known by what workers say of it.</summary>
public static class ModelNames
{
    /// <summary>The original system's ML step: waits a random time and answers happy or sad.</summary>
    public const string Simulated = "simulated";

    /// <summary>A classifier that reads the input: happy or sad.</summary>
    public const string Sentiment = "sentiment";
}
