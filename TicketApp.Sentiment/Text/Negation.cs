namespace TicketApp.Sentiment.Text;

/// <summary>
/// Tells, word by word, what a negation turns round: "not bad at all" says the opposite of "bad". Most pairs of a negation and a word are
/// in no training text, so this is a rule.
/// </summary>
internal struct Negation
{
    /// <summary>How many words it reaches, if no sign and no "but" comes before.</summary>
    private const int Reach = 3;

    private int _left;
    private bool _isAfterCould;
    private bool _isAfterWould;
    private bool _isCouldNot;

    /// <summary>Goes on to the next word.</summary>
    /// <returns>Whether a negation before it turns it round.</returns>
    public bool TurnsRound(ReadOnlySpan<char> word)
    {
        var (isAfterCould, isAfterWould) = (_isAfterCould, _isAfterWould);
        (_isAfterCould, _isAfterWould) = (word is "could", word is "would" or "should");
        if (IsNegation(word))
        {
            (_left, _isCouldNot) = (Reach, isAfterCould);
            return false;
        }

        // "It could have been good" regrets that it was not.
        if (word is "have" or "'ve" && (isAfterCould || isAfterWould))
        {
            (_left, _isCouldNot) = (Reach, false);
            return false;
        }

        // "It could not be better" denies that anything is.
        if (!char.IsLetterOrDigit(word[0]) || word is "but" or "only" or "just" || (_isCouldNot && IsComparative(word)))
        {
            _left = 0;
        }

        return _left-- > 0;
    }

    private static bool IsNegation(ReadOnlySpan<char> word) =>
        word is "not" or "never" or "no" or "nothing" or "nobody" or "none" or "neither" or "nor" or "without" or "hardly"
            or "barely" or "rarely" or "seldom" or "lack" or "lacks" or "lacked" or "lacking";

    private static bool IsComparative(ReadOnlySpan<char> word) => word is "more" or "less" or "worse" || word.EndsWith("er");
}
