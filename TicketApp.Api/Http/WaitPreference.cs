using System.Globalization;
using Microsoft.Extensions.Primitives;

namespace TicketApp.Api.Http;

/// <summary>
/// The preference <c>wait</c> of RFC 7240: how long a caller would rather wait for an answer. What cannot be read is no preference, as the
/// RFC has it.
/// </summary>
internal static class WaitPreference
{
    /// <summary>The longest wait; a wish for more is granted this far.</summary>
    public const int MaxSeconds = 60;

    public const string Header = "Prefer";

    public const string Description =
        "wait=N: answer as soon as the ticket is finished, after N seconds (at most 60) at the latest. "
        + "Preference-Applied says that it was granted.";

    /// <summary>Reads the header <c>Prefer</c>.</summary>
    /// <returns>Seconds from 1; null if there is no such wish. Of several the first counts.</returns>
    public static int? Read(StringValues prefer)
    {
        foreach (var preference in prefer.SelectMany(header => (header ?? "").Split(',')))
        {
            var wish = preference.Split(';')[0];
            var (name, value) = wish.IndexOf('=', StringComparison.Ordinal) is >= 0 and var sign
                ? (wish[..sign], wish[(sign + 1)..])
                : (wish, "");
            if (name.Trim().Equals("wait", StringComparison.OrdinalIgnoreCase))
            {
                return int.TryParse(value.Trim().Trim('"'), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds > 0
                    ? Math.Min(seconds, MaxSeconds)
                    : null;
            }
        }

        return null;
    }
}
