namespace TicketApp.Sentiment.Text;

/// <summary>Words that stand for two: one form for "isn't", "isnt" and a treebank's "is n't".</summary>
internal static class Contractions
{
    private const int MaxEnding = 2;

    // Without "cant" and "wont", a hasty writer's negation would be two unknown words.
    private static readonly HashSet<string> _withoutApostrophe =
    [
        "aint", "arent", "cant", "couldnt", "didnt", "doesnt", "dont", "hadnt",
        "hasnt", "havent", "isnt", "shouldnt", "wasnt", "werent", "wont", "wouldnt",
    ];

    private static readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> _lookup =
        _withoutApostrophe.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>How many characters of a word remain when its negation is split off; −1 if it has none.</summary>
    public static int WithoutNegation(ReadOnlySpan<char> word) =>
        word is "cannot" ? 3 : _lookup.Contains(word) ? word.Length - 2 : -1;

    /// <summary>The ending that starts at an apostrophe, with it; empty if what follows is no ending of a contraction.</summary>
    public static ReadOnlySpan<char> Ending(ReadOnlySpan<char> afterApostrophe)
    {
        Span<char> letters = stackalloc char[MaxEnding + 1];
        var count = 0;
        while (count < letters.Length && count < afterApostrophe.Length && char.IsLetter(afterApostrophe[count]))
        {
            letters[count] = Letters.Fold(afterApostrophe[count]);
            count++;
        }

        return letters[..count] switch
        {
            "s" => "'s",
            "t" => "'t",
            "d" => "'d",
            "m" => "'m",
            "re" => "'re",
            "ve" => "'ve",
            "ll" => "'ll",
            _ => [],
        };
    }
}
