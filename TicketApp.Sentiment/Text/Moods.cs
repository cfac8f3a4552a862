using System.Collections.Frozen;
using System.Text;

namespace TicketApp.Sentiment.Text;

/// <summary>Pictures that say by themselves whether somebody is glad. The training texts have none, so this is a list.</summary>
internal static class Moods
{
    private const string Glad =
        "😀😁😂🤣😃😄😅😆😉😊😋😎😍😘🥰😗😙😚🙂🤗🤩😇🥳😻😸😺👍👏"
        + "🙌💪💯🎉🎊🏆⭐🌟✨❤💖💗💓💕💘💝💙💚💛💜🧡🤍😌🤤👌✅☺♥"
        + "🤠😹😽🥹🩷🩵🩶🖤🤎💞💟❣🫶🥂🍾🎈🎁💐🌹🌈☀🌞👑🥇🫡🔥🕺💃😛😜🤪😝🙏🤙✌🤘🙆💋🎶🫰";

    private const string Sad =
        "😞😟😠😡🤬😢😭😤😩😫😖😣😒😕🙁☹😔😑😐🙄😬😪😥"
        + "😓🤮🤢🤧😨😱😰😳😾😿👎💔💩🖕😴🥱🥺🤦❌⛔😧😦🗑"
        + "☠🤕🤒😵🙀👿🚮🫤🤥🆘🙎🙍💢🥀📉👺";

    private static readonly FrozenDictionary<int, int> _moods = Glad.EnumerateRunes().Select(rune => (rune.Value, Mood: 1))
        .Concat(Sad.EnumerateRunes().Select(rune => (rune.Value, Mood: -1)))
        .ToFrozenDictionary(pair => pair.Value, pair => pair.Mood);

    /// <summary>1 for a glad picture, −1 for a sad one, 0 for anything else.</summary>
    public static int Of(Rune rune) => _moods.GetValueOrDefault(rune.Value);

    /// <summary>The mood of a face of punctuation at the start of a text, such as <c>:-)</c>, and its length; 0 without one.</summary>
    public static (int Mood, int Length) OfFace(ReadOnlySpan<char> text)
    {
        if (text.StartsWith("<3", StringComparison.Ordinal))
        {
            return (1, 2);
        }

        if (text.Length < 2 || text[0] is not (':' or ';' or '='))
        {
            return default;
        }

        var mouth = text[1] is '-' or '\'' ? 2 : 1;
        return mouth >= text.Length
            ? default
            : text[mouth] switch
            {
                ')' or ']' => (1, mouth + 1),
                'D' when mouth + 1 == text.Length || !char.IsLetterOrDigit(text[mouth + 1]) => (1, mouth + 1),
                '(' or '[' => (-1, mouth + 1),
                _ => default,
            };
    }
}
