namespace TicketApp.Messaging;

/// <summary>A model that a worker serves, as its heartbeats describe it.</summary>
public sealed record ModelOffer
{
    /// <summary>The word by which tickets choose it.</summary>
    public required string Name { get; init; }

    /// <summary>What it answers, in a sentence for people.</summary>
    public required string Description { get; init; }

    /// <summary>Whether it cannot run without input.</summary>
    public bool InputRequired { get; init; }

    /// <summary>The longest input, in UTF-16 characters.</summary>
    public int MaxInputCharacters { get; init; }

    /// <summary>The most tickets that it runs together; 1 for a model that takes one at a time.</summary>
    public int LargestBatch { get; init; }

    /// <summary>How many tickets this worker can have at once, from 1.</summary>
    public int Slots { get; init; }
}
