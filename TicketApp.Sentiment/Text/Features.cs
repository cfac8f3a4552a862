namespace TicketApp.Sentiment.Text;

/// <summary>
/// What the linear model looks at: words, pairs, triples, and pieces of words. Each has a slot in a table, by its hash. Of a word that a
/// negation turns round, the slots are complements (<c>~slot</c>): the word and its pieces count the other way.
/// </summary>
internal static class Features
{
    /// <summary>Slots of the table.</summary>
    public const int Slots = 1 << 20;

    private const int MinPiece = 2;
    private const int MaxPiece = 5;

    // Pieces are hashed apart from words: "not" inside a word is not the word.
    private const ulong PieceSeed = 0x51_7C_C1_B7_27_22_0A_95;

    /// <summary>The most slots that a passage can have.</summary>
    public const int MaxOfPassage = Passage.Longest * (3 + ((MaxPiece - MinPiece + 1) * (WordReader.MaxWord + 2)));

    /// <summary>Writes the slots of words, pairs and triples.</summary>
    /// <returns>How many there are.</returns>
    public static int Words(Passage passage, Span<int> slots)
    {
        var count = 0;
        ulong pair = 0;
        var words = passage.Hashes;
        for (var i = 0; i < words.Length; i++)
        {
            slots[count++] = passage.IsNegated(i) ? ~Slot(words[i]) : Slot(words[i]);
            if (i > 1)
            {
                slots[count++] = Slot(WordHash.Pair(pair, words[i]));
            }

            if (i > 0)
            {
                pair = WordHash.Pair(words[i - 1], words[i]);
                slots[count++] = Slot(pair);
            }
        }

        return count;
    }

    /// <summary>Writes the slots of the pieces of words, with marks for where a word begins and ends.</summary>
    /// <returns>How many there are.</returns>
    public static int Pieces(Passage passage, Span<int> slots)
    {
        var count = 0;
        Span<char> marked = stackalloc char[WordReader.MaxWord + 2];
        for (var word = 0; word < passage.Count; word++)
        {
            var letters = passage[word];
            marked[0] = '<';
            letters.CopyTo(marked[1..]);
            marked[letters.Length + 1] = '>';
            var pieces = slots.Slice(count, Pieces(marked[..(letters.Length + 2)], slots[count..]));
            if (passage.IsNegated(word))
            {
                foreach (ref var slot in pieces)
                {
                    slot = ~slot;
                }
            }

            count += pieces.Length;
        }

        return count;
    }

    private static int Pieces(ReadOnlySpan<char> word, Span<int> slots)
    {
        var count = 0;
        for (var start = 0; start < word.Length - 1; start++)
        {
            var hash = PieceSeed;
            for (var length = 1; length <= MaxPiece && start + length <= word.Length; length++)
            {
                hash = WordHash.Add(hash, word[start + length - 1]);
                if (length >= MinPiece)
                {
                    slots[count++] = Slot(WordHash.Mix(hash));
                }
            }
        }

        return count;
    }

    private static int Slot(ulong hash) => (int)(hash & (Slots - 1));
}
