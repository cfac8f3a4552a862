using System.Globalization;
using CsCheck;

namespace TicketApp.Tests.Fixtures;

/// <summary>Any JSON value that is no string: odd numbers, names that are there twice, escapes, and white space where it may be.</summary>
/// <param name="Text">Without white space.</param>
/// <param name="Spaced">The same with some.</param>
internal sealed record AnyJson(string Text, string Spaced)
{
    private static readonly Gen<string> _space = Gen.OneOf<string>("", " ", "\n", "\r\n\t ");

    private static readonly Gen<string> _string = Gen
        .OneOf<string>(
            "a", "key", "\u00fc", "\ud83d\ude00", "\\u0000", "\\ud800", "\\ud83d\\ude00", "\\\"", "\\\\", "\\/", "\\n", "<&'+>", "\u2028",
            " ", "{[,:")
        .Array[0, 5]
        .Select(parts => $"\"{string.Concat(parts)}\"");

    private static readonly Gen<string> _scalar = Gen.OneOf(
        _string,
        Gen.OneOf<string>("null", "true", "false", "0", "-0", "1.50", "1e400", "-1E-400", "12345678901234567890", "0.10000000000000000555"),
        Gen.Double.Where(double.IsFinite).Select(number => number.ToString("R", CultureInfo.InvariantCulture)));

    /// <summary>Makes them.</summary>
    public static Gen<AnyJson> Values { get; } = Of(4).Where(json => json.Text[0] is not ('"' or 'n'));

    private static Gen<AnyJson> Of(int depth)
    {
        var scalar = Gen.Select(_scalar, _space, (text, space) => new AnyJson(text, space + text + space));
        if (depth == 0)
        {
            return scalar;
        }

        var inner = Of(depth - 1);
        var member = Gen.Select(_string, _space, inner, (name, space, value) =>
            new AnyJson($"{name}:{value.Text}", $"{space}{name}{space}:{value.Spaced}"));
        return Gen.Frequency(
            (2, scalar),
            (1, inner.Array[0, 4].Select(items => Joined('[', items, ']'))),
            (1, member.Array[0, 4].Select(items => Joined('{', items, '}'))));
    }

    private static AnyJson Joined(char start, AnyJson[] items, char end) => new(
        start + string.Join(',', items.Select(item => item.Text)) + end,
        $" {start} {string.Join(',', items.Select(item => item.Spaced))} {end}\n");
}
