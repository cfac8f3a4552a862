namespace TicketApp.Sentiment.Network;

/// <summary>What a <see cref="GatedUnit"/> writes down while it reads, in memory that is used again.</summary>
/// <param name="words">The longest passage.</param>
/// <param name="state">Numbers in the state.</param>
internal sealed class UnitTrace(int words, int state)
{
    /// <summary>The three gates at each word.</summary>
    public float[] Gates { get; } = new float[words * 3 * state];

    /// <summary>The state before the first word, and after each.</summary>
    public float[] States { get; } = new float[(words + 1) * state];

    /// <summary>At each word, what the candidate was offered of the state before.</summary>
    public float[] Recalled { get; } = new float[words * state];
}
