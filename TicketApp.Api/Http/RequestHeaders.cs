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

    /// <summary>The longest header that is read.</summary>
    public const int MaxLength = 256;

    public const string Description =
        "wait=N: answer as soon as the ticket is finished, after N seconds (at most 60) at the latest. "
        + "Preference-Applied says that it was granted.";

    public const string AppliedHeader = DescribedHeaders.PreferenceApplied;

    /// <summary>RFC 7240's word for an answer before the work is done, which a new ticket's is anyway.</summary>
    public const string RespondAsync = "respond-async";

    public const string AsyncDescription =
        $"{RespondAsync}: answer as soon as the ticket is stored, with the ticket as it is; beside wait=N, after that time.";

    /// <summary>Whether the header <c>Prefer</c> asks for an answer before the work is done.</summary>
    public static bool WantsAsync(StringValues prefer) => Names(prefer).Contains(RespondAsync, StringComparer.OrdinalIgnoreCase);

    /// <summary>Reads the header <c>Prefer</c>.</summary>
    /// <param name="prefer">It.</param>
    /// <param name="alone">What <c>wait</c> without a number stands for; the RFC does not have it.</param>
    /// <returns>Seconds from 1; null if there is no such wish. Of several the first counts.</returns>
    public static int? Read(StringValues prefer, int? alone = null)
    {
        foreach (var wish in Names(prefer))
        {
            var (name, value) = wish.IndexOf('=', StringComparison.Ordinal) is >= 0 and var sign
                ? (wish[..sign], wish[(sign + 1)..])
                : (wish, "");
            if (name.Trim().Equals("wait", StringComparison.OrdinalIgnoreCase))
            {
                return wish.Length == name.Length ? alone
                    : int.TryParse(value.Trim().Trim('"'), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds > 0
                        ? Math.Min(seconds, MaxSeconds)
                        : null;
            }
        }

        return null;
    }

    private static IEnumerable<string> Names(StringValues prefer) =>
        prefer.SelectMany(header => (header ?? "").Split(',')).Select(preference => preference.Split(';')[0].Trim());
}

/// <summary>The header by which a repeated request is known.</summary>
internal static class IdempotencyHeader
{
    public const string Name = "Idempotency-Key";

    /// <summary>The longest key.</summary>
    public const int MaxKey = 255;

    /// <summary>Reads it.</summary>
    /// <returns>Neither, where there is no such header.</returns>
    public static (string? Key, Problem? Problem) Read(StringValues header) => header switch
    {
        [] => (null, null),
        [{ Length: > 0 and <= MaxKey } key] when key.All(character => character is > ' ' and < '\x7f') => (key, null),
        _ => (
            null,
            ProblemType.InvalidRequest.With($"The header {Name} must be there once, with 1 to {MaxKey} visible ASCII characters.")),
    };
}
