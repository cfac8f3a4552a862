namespace TicketApp.SentimentTrainer.Recurrent;

/// <summary>How a recurrent reader is made and trained.</summary>
internal sealed record RecurrentOptions
{
    /// <summary>Numbers for each word.</summary>
    public int Input { get; init; } = 32;

    /// <summary>Numbers in the state of each direction.</summary>
    public int State { get; init; } = 32;

    /// <summary>How often each example is seen.</summary>
    public int Passes { get; init; } = 4;

    /// <summary>Examples of a step.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>How far the first steps go; it falls to zero.</summary>
    public float Rate { get; init; } = 0.002f;

    /// <summary>Share of words that are read as unknown ones.</summary>
    public float DroppedWords { get; init; } = 0.15f;

    /// <summary>Share of the words' numbers that are left out.</summary>
    public float DroppedInput { get; init; } = 0.3f;

    /// <summary>Share of the pooled numbers that are left out.</summary>
    public float DroppedOutput { get; init; } = 0.3f;
}
