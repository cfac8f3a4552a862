namespace TicketApp.Sentiment.Text;

/// <summary>A stretch of a text that is judged as one: up to <see cref="Longest"/> words, in memory that is used again.</summary>
internal sealed class Passage
{
    /// <summary>Words of a passage at most: more than any sentence of the training texts.</summary>
    public const int Longest = 64;

    // Pairs of equal letters that each may be meant as one or two; the ways to write a word double with each.
    private const int MaxDoubles = 5;

    private readonly char[] _letters = new char[Longest * WordReader.MaxWord];
    private readonly int[] _ends = new int[Longest + 1];
    private readonly ulong[] _hashes = new ulong[Longest];
    private readonly bool[] _negated = new bool[Longest];
    private Negation _negation;

    public int Count { get; private set; }

    /// <summary>The hashes of its words.</summary>
    public ReadOnlySpan<ulong> Hashes => _hashes.AsSpan(0, Count);

    /// <summary>Whether a negation turns a word round.</summary>
    public bool IsNegated(int word) => _negated[word];

    public ReadOnlySpan<char> this[int word] => _letters.AsSpan(_ends[word].._ends[word + 1]);

    /// <summary>Reads on from where the reader is, to the end of the text or until it is full.</summary>
    /// <param name="reader">The text.</param>
    /// <param name="vocabulary">Tells how a stretched word is written; without one it keeps two of each repeated letter.</param>
    /// <returns>False if there was no word any more.</returns>
    public bool Fill(ref WordReader reader, Vocabulary? vocabulary)
    {
        Count = 0;
        _negation = default;
        while (Count < Longest && reader.Read())
        {
            Add(reader.Word, reader.Stretched ? vocabulary : null);
        }

        return Count > 0;
    }

    private void Add(ReadOnlySpan<char> word, Vocabulary? vocabulary)
    {
        var start = _ends[Count];
        var letters = _letters.AsSpan(start, word.Length);
        word.CopyTo(letters);
        var hash = WordHash.Of(letters);
        var length = word.Length;
        if (vocabulary is not null && vocabulary.Find(hash) == Vocabulary.Unknown)
        {
            length = FindSpelling(word, letters, vocabulary);
            hash = WordHash.Of(letters[..length]);
        }

        _hashes[Count] = hash;
        _negated[Count] = _negation.TurnsRound(letters[..length]);
        _ends[++Count] = start + length;
    }

    /// <summary>
    /// Removes doubled letters until the word is known: "coool" has lost its third o and keeps the second, "looove" keeps one. If no way
    /// of writing it is known, each letter stands once.
    /// </summary>
    /// <returns>The length of what is in <paramref name="letters"/> afterwards.</returns>
    private static int FindSpelling(ReadOnlySpan<char> word, Span<char> letters, Vocabulary vocabulary)
    {
        var doubles = 0;
        for (var i = 1; i < word.Length; i++)
        {
            doubles += word[i] == word[i - 1] ? 1 : 0;
        }

        var all = (1 << Math.Min(doubles, MaxDoubles)) - 1;
        for (var removed = 1; removed < all; removed++)
        {
            var length = RemoveDoubles(word, letters, removed);
            if (vocabulary.Find(WordHash.Of(letters[..length])) != Vocabulary.Unknown)
            {
                return length;
            }
        }

        return RemoveDoubles(word, letters, -1);
    }

    /// <summary>Leaves out the second of two equal letters, for each pair whose bit is set.</summary>
    private static int RemoveDoubles(ReadOnlySpan<char> word, Span<char> letters, int removed)
    {
        var (length, pair) = (0, 0);
        for (var i = 0; i < word.Length; i++)
        {
            if (i == 0 || word[i] != word[i - 1] || (removed & (1 << Math.Min(pair++, MaxDoubles))) == 0)
            {
                letters[length++] = word[i];
            }
        }

        return length;
    }
}
