using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;

namespace TicketApp.Api.InputSchemas;

/// <summary>Which JSON values are the same, and which number is the larger, as JSON Schema has it.</summary>
internal static class JsonEquality
{
    /// <summary>A text that two values have in common if they are the same, as 1 and 1.0 are, or objects in another order.</summary>
    public static string Canonical(JsonElement value)
    {
        StringBuilder text = new();
        Write(value, text);
        return text.ToString();
    }

    /// <summary>Whether it has no fraction: 1.0 has none either.</summary>
    public static bool IsInteger(JsonElement number) => Parts(number.GetRawText()) is { Digits: "0" } or { Exponent: >= 0 };

    /// <summary>Below zero if <paramref name="a"/> is the smaller number, above zero if it is the larger one.</summary>
    public static int Compare(JsonElement a, JsonElement b)
    {
        var (x, y) = (Parts(a.GetRawText()), Parts(b.GetRawText()));
        var (sign, other) = (Sign(x.Digits), Sign(y.Digits));
        if (sign != other || sign == 0)
        {
            return sign - other;
        }

        // Neither has zeros at an end: with as many digits before the point, they are in the order of their texts.
        var size = (x.Digits.Length + x.Exponent).CompareTo(y.Digits.Length + y.Exponent);
        return sign * (size != 0 ? size : string.CompareOrdinal(x.Digits, y.Digits));
    }

    /// <summary>Whether dividing it by <paramref name="divisor"/>, which is above zero, leaves nothing.</summary>
    public static bool IsMultiple(JsonElement number, JsonElement divisor)
    {
        var (digits, exponent) = Parts(number.GetRawText());
        var (unit, power) = Parts(divisor.GetRawText());
        if (digits == "0")
        {
            return true;
        }

        // The digits do not end in a zero: a number of a lower power of ten is no multiple.
        var (value, by) = (BigInteger.Parse(digits, CultureInfo.InvariantCulture), BigInteger.Parse(unit, CultureInfo.InvariantCulture));
        return exponent >= power && (value * BigInteger.ModPow(10, (BigInteger)(exponent - power), by) % by).IsZero;
    }

    private static int Sign(string digits) => digits[0] switch
    {
        '-' => -1,
        '0' => 0,
        _ => 1,
    };

    private static void Write(JsonElement value, StringBuilder text)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                text.Append('{');
                foreach (var member in value.EnumerateObject().OrderBy(member => member.Name, StringComparer.Ordinal))
                {
                    Write(member.Name, text);
                    Write(member.Value, text);
                }

                text.Append('}');
                break;
            case JsonValueKind.Array:
                text.Append('[');
                foreach (var item in value.EnumerateArray())
                {
                    Write(item, text);
                }

                text.Append(']');
                break;
            case JsonValueKind.String:
                Write(value.GetString()!, text);
                break;
            case JsonValueKind.Number:
                var (digits, exponent) = Parts(value.GetRawText());
                text.Append(CultureInfo.InvariantCulture, $"{digits}e{exponent};");
                break;
            default:
                text.Append(value.ValueKind);
                break;
        }
    }

    /// <summary>With its length in front, so that no other text can pass for its end.</summary>
    private static void Write(string value, StringBuilder text) => text.Append(CultureInfo.InvariantCulture, $"\"{value.Length}:{value}");

    /// <summary>A number as its digits, without zeros at either end, and the power of ten that they are multiplied by.</summary>
    private static (string Digits, decimal Exponent) Parts(string number)
    {
        var sign = number[0] == '-' ? "-" : "";
        var end = number.AsSpan().IndexOfAny('e', 'E');
        var mantissa = number[sign.Length..(end < 0 ? number.Length : end)];
        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        var all = mantissa.Replace(".", "", StringComparison.Ordinal);
        var digits = all.TrimEnd('0');
        var zeros = all.Length - digits.Length - (point < 0 ? 0 : mantissa.Length - point - 1);
        digits = digits.TrimStart('0');
        // Beyond what a decimal holds, all exponents are alike: nobody means such a number.
        return digits.Length == 0 ? ("0", 0)
            : ($"{sign}{digits}", zeros + (end < 0 ? 0 : Exponent(number.AsSpan(end + 1))));
    }

    private static decimal Exponent(ReadOnlySpan<char> text) =>
        decimal.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var exponent)
            ? Math.Clamp(exponent, -1e18m, 1e18m)
            : text[0] == '-' ? -1e18m : 1e18m;
}
