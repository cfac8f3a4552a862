namespace TicketApp.Sentiment.Network;

/// <summary>What a <see cref="RecurrentReader"/> writes down while it reads.</summary>
/// <param name="words">The longest passage.</param>
/// <param name="state">Numbers in the state of each unit.</param>
internal sealed class ReaderTrace(int words, int state)
{
    public UnitTrace Forward { get; } = new(words, state);

    public UnitTrace Backward { get; } = new(words, state);

    /// <summary>The largest value of each number of the states.</summary>
    public float[] Pooled { get; } = new float[2 * state];

    /// <summary>The step at which it was.</summary>
    public int[] Strongest { get; } = new int[2 * state];
}
