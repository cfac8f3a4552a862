using TicketApp.Sentiment.Text;

namespace TicketApp.SentimentTrainer.Data;

/// <summary>A text as the models see it.</summary>
internal sealed class Example
{
    private Example(Passage passage, float target)
    {
        Span<int> slots = new int[Features.MaxOfPassage];
        Target = target;
        Words = [.. passage.Hashes];
        Phrases = slots[..Features.Words(passage, slots)].ToArray();
        Pieces = slots[..Features.Pieces(passage, slots)].ToArray();
    }

    /// <summary>How likely it is positive: 0, 1, or 0.5 for a word that is neither.</summary>
    public float Target { get; }

    /// <summary>Whether it is either.</summary>
    public bool IsJudged => Target is 0 or 1;

    /// <summary>The hashes of its words.</summary>
    public ulong[] Words { get; }

    /// <summary>The slots of its words, pairs and triples.</summary>
    public int[] Phrases { get; }

    /// <summary>The slots of the pieces of its words.</summary>
    public int[] Pieces { get; }

    /// <summary>Reads a text; null if there is no word in it.</summary>
    /// <param name="text">The text.</param>
    /// <param name="target">How likely it is positive.</param>
    /// <param name="vocabulary">Tells how a stretched word is written, in a text as people write.</param>
    public static Example? Of(string text, float target, Vocabulary? vocabulary = null)
    {
        Passage passage = new();
        WordReader reader = new(Typography.Plain(text), new char[WordReader.MaxWord]);
        return passage.Fill(ref reader, vocabulary) ? new Example(passage, target) : null;
    }
}
