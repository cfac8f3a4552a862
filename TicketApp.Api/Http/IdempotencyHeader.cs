using Microsoft.Extensions.Primitives;

namespace TicketApp.Api.Http;

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
