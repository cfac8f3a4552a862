namespace TicketApp.Sentiment.Text;

/// <summary>A stretch of a text that is judged as one: up to <see cref="Longest"/> words, in memory that is used again.</summary>
internal sealed class Passage
{
    /// <summary>Words of a passage at most: more than any sentence of the training texts.</summary>
    public const int Longest = 64;

    private readonly char[] _letters = new char[Longest * WordReader.MaxWord];
    private readonly int[] _ends = new int[Longest + 1];
    private readonly ulong[] _hashes = new ulong[Longest];

    public int Count { get; private set; }

    /// <summary>The hashes of its words.</summary>
    public ReadOnlySpan<ulong> Hashes => _hashes.AsSpan(0, Count);

    public ReadOnlySpan<char> this[int word] => _letters.AsSpan(_ends[word].._ends[word + 1]);

    /// <summary>Reads on from where the reader is, to the end of the text or until it is full.</summary>
    /// <param name="reader">The text.</param>
    /// <param name="vocabulary">Tells how a stretched word is written; without one it keeps two of each repeated letter.</param>
    /// <returns>False if there was no word any more.</returns>
    public bool Fill(ref WordReader reader, Vocabulary? vocabulary)
    {
        Count = 0;
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
            length = RemoveDoubles(letters);
            hash = WordHash.Of(letters[..length]);
        }

        _hashes[Count] = hash;
        _ends[++Count] = start + length;
    }

    private static int RemoveDoubles(Span<char> letters)
    {
        var length = 0;
        foreach (var c in letters)
        {
            if (length == 0 || letters[length - 1] != c)
            {
                letters[length++] = c;
            }
        }

        return length;
    }
}
