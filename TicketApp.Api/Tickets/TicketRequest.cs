using System.Text.Json;
using TicketApp.Api.Http;

namespace TicketApp.Api.Tickets;

/// <summary>What a body of <c>POST /ticket</c> turned out to be.</summary>
internal enum TicketRequestKind
{
    /// <summary>A user id is there; it may still be unknown.</summary>
    HasUserId,

    /// <summary>No body, or a JSON object without a usable <c>user_id</c>.</summary>
    NoUserId,

    /// <summary>Not JSON, or no JSON object.</summary>
    Invalid,
}

/// <summary>Reads the body of <c>POST /ticket</c>, whatever its content type says, as the original did.</summary>
/// <param name="Kind">What the body is.</param>
/// <param name="UserId">The user id; <see cref="Guid.Empty"/>, which no user has, for a string that is no UUID.</param>
internal readonly record struct TicketRequest(TicketRequestKind Kind, Guid UserId)
{
    public static TicketRequest Read(ReadOnlySpan<byte> body)
    {
        if (body.IsEmpty)
        {
            return new(TicketRequestKind.NoUserId, default);
        }

        try
        {
            return JsonBody.TryParse(body, out var root, out _) && root.ValueKind == JsonValueKind.Object && IsSane(root)
                ? Read(root)
                : new(TicketRequestKind.Invalid, default);
        }
        catch (InvalidOperationException)
        {
            // An escape such as \ud800, half a character, which the reader decodes only when asked.
            return new(TicketRequestKind.Invalid, default);
        }
    }

    private static TicketRequest Read(JsonElement root) =>
        root.TryGetProperty("user_id"u8, out var value) && value.ValueKind == JsonValueKind.String && !value.ValueEquals(""u8)
            ? new(TicketRequestKind.HasUserId, value.TryGetGuid(out var id) ? id : Guid.Empty)
            : new(TicketRequestKind.NoUserId, default);

    /// <summary>Whether every number fits a double: JSON sets no bound, but no reader of ours could use a larger one.</summary>
    private static bool IsSane(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().All(property => IsSane(property.Value)),
        JsonValueKind.Array => element.EnumerateArray().All(IsSane),
        JsonValueKind.Number => element.TryGetDouble(out var number) && double.IsFinite(number),
        _ => true,
    };
}
