using System.Text.RegularExpressions;

namespace TicketApp.SentimentTrainer.Evaluation;

/// <summary>Texts of a treebank rewritten the way people write.</summary>
internal static partial class Variants
{
    /// <summary>Each with its name; the first changes nothing.</summary>
    public static IReadOnlyList<(string Name, bool KeepsSigns, Func<string, string> Rewrite)> All { get; } =
    [
        ("as it stands", true, text => text),
        ("shouted", true, text => text.ToUpperInvariant()),
        ("untokenised", true, Untokenise),
        ("with typographic signs", true, text => Untokenise(text)
            .Replace('\'', '\u2019')
            .Replace(" -- ", "\u2014", StringComparison.Ordinal)
            .Replace("...", "\u2026", StringComparison.Ordinal)),
        ("without punctuation", false, text => NoSigns().Replace(Untokenise(text), "")),
        ("shouted, untokenised, with exclamation marks and a neutral emoji", true, text =>
            Untokenise(text).ToUpperInvariant().TrimEnd('.', ' ') + "!!! \ud83c\udfac"),
    ];

    /// <summary>Undoes what the treebank did to quotes, brackets, contractions and spaces, and begins with a capital.</summary>
    public static string Untokenise(string text)
    {
        text = text
            .Replace("-lrb-", "(", StringComparison.Ordinal)
            .Replace("-rrb-", ")", StringComparison.Ordinal)
            .Replace("\\/", "/", StringComparison.Ordinal);
        text = OpeningQuotes()
            .Replace(text, match => match.Value.StartsWith("``", StringComparison.Ordinal) ? "\"" : "'")
            .Replace(" ''", "\"", StringComparison.Ordinal);
        text = Contractions().Replace(text, "$1");
        text = SpaceBefore().Replace(text, "$1");
        text = SpaceAfter().Replace(text, "$1");
        return text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];
    }

    [GeneratedRegex("`{1,2} ?")]
    private static partial Regex OpeningQuotes();

    [GeneratedRegex(" (n't|'(?:s|re|ve|ll|d|m))\\b")]
    private static partial Regex Contractions();

    [GeneratedRegex(" ([,.;:!?)%])")]
    private static partial Regex SpaceBefore();

    [GeneratedRegex("([($]) ")]
    private static partial Regex SpaceAfter();

    [GeneratedRegex("[^\\w\\s]")]
    private static partial Regex NoSigns();
}
