namespace TicketApp.Sentiment.Text;

/// <summary>The words of the training texts, by their hashes.</summary>
/// <param name="hashes">In ascending order.</param>
internal sealed class Vocabulary(ulong[] hashes)
{
    /// <summary>The number of every word that is not in it; known words count from 1.</summary>
    public const int Unknown = 0;

    /// <summary>In ascending order.</summary>
    public ReadOnlySpan<ulong> Hashes => hashes;

    public int Find(ulong hash) => Math.Max(Array.BinarySearch(hashes, hash) + 1, Unknown);
}
