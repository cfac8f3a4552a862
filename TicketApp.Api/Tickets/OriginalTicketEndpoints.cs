using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using TicketApp.Api.Auth;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;

namespace TicketApp.Api.Tickets;

/// <summary>The original API's <c>/ticket</c>, kept to the letter.</summary>
internal static class OriginalTicketEndpoints
{
    private const string UserIdRequired = "User ID is required in the request body";
    private const string NotCompleted = "Ticket response has not completed yet, try again soon";
    private static readonly TimeSpan _maxPollingPause = TimeSpan.FromSeconds(10);

    public static IEndpointRouteBuilder MapOriginalTickets(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/ticket", CreateAsync);
        routes.MapGet("/ticket", GetAsync);
        return routes;
    }

    private static async Task<Utf8ContentHttpResult> CreateAsync(
        HttpRequest request, Caller caller, TicketCreator tickets, CancellationToken cancellationToken)
    {
        var (kind, userId) = await ReadAsync(request, cancellationToken);
        switch (kind)
        {
            case TicketRequestKind.Invalid:
                return ApiJson.WithMessage(StatusCodes.Status400BadRequest, "Invalid JSON format");
            case TicketRequestKind.NoUserId:
                return ApiJson.WithMessage(StatusCodes.Status400BadRequest, UserIdRequired);
        }

        var created = userId == Guid.Empty || !caller.MayActFor(userId) ? null : await tickets.CreateAsync(userId);
        return created is { } ticketId
            ? ApiJson.Ok(new TicketCreated(ticketId), TicketJson.Default.TicketCreated)
            : ApiJson.WithMessage(StatusCodes.Status404NotFound, "User ID not found");
    }

    private static async Task<Utf8ContentHttpResult> GetAsync(
        HttpRequest request, HttpResponse response, Caller caller, TicketSummaryReader tickets, ByteLimit bytes)
    {
        if (request.Query.Count == 0)
        {
            return ApiJson.WithMessage(StatusCodes.Status400BadRequest, "Query param with Ticket ID is required");
        }

        // Of several, the last one counts, as at the original's gateway.
        var text = request.Query["ticket_id"] is [.., var last] ? last : null;
        if (string.IsNullOrEmpty(text))
        {
            return ApiJson.WithMessage(StatusCodes.Status400BadRequest, "Ticket ID is required");
        }

        var ticket = Guid.TryParseExact(text, "D", out var id) ? await tickets.FindAsync(id) : null;
        switch (ticket is not null && caller.MayActFor(ticket.UserId) ? ticket.Status : (TicketStatus?)null)
        {
            case null:
                return ApiJson.WithMessage(StatusCodes.Status404NotFound, "Ticket not found");
            case TicketStatus.Succeeded:
                bytes.Take(response.HttpContext, ticket!.Bytes);
                return ApiJson.Ok(new TicketAnswer(ticket.Response ?? ""), TicketJson.Default.TicketAnswer);
            case TicketStatus.TimedOut or TicketStatus.Expired:
                return ApiJson.WithMessage(StatusCodes.Status408RequestTimeout, "Ticket processing request timeout");
            case TicketStatus.Failed:
                return ApiJson.WithMessage(StatusCodes.Status424FailedDependency, "Ticket processing failed");
            case TicketStatus.Canceled:
                return ApiJson.WithMessage(StatusCodes.Status410Gone, "Ticket was canceled");
            default:
                response.Headers.RetryAfter = PollingPause(ticket!.Age);
                response.Headers.Location = $"/ticket?ticket_id={id}";
                return ApiJson.WithMessage(StatusCodes.Status202Accepted, NotCompleted);
        }
    }

    private static async Task<TicketRequest> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await request.ReadBodyAsync(cancellationToken);
            if (read.IsCompleted)
            {
                var result = TicketRequest.Read(
                    read.Buffer.IsSingleSegment ? read.Buffer.FirstSpan : System.Buffers.BuffersExtensions.ToArray(read.Buffer));
                request.BodyReader.AdvanceTo(read.Buffer.End);
                return result;
            }

            request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    /// <summary>A tenth of the ticket's age, in whole seconds from 1: young tickets are asked for often, old ones less so.</summary>
    private static string PollingPause(TimeSpan age) =>
        Math.Clamp(Math.Ceiling(age.TotalSeconds / 10), 1, _maxPollingPause.TotalSeconds).ToString(CultureInfo.InvariantCulture);
}

/// <summary>The answer to <c>POST /ticket</c>.</summary>
/// <param name="TicketId">The new ticket's id.</param>
public sealed record TicketCreated(Guid TicketId);

/// <summary>The answer to <c>GET /ticket</c> of a ticket that succeeded.</summary>
/// <param name="TicketResponse">What the model answered; the JSON text where it is JSON.</param>
public sealed record TicketAnswer(string TicketResponse);

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
