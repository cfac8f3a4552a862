using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using Wolverine.EntityFrameworkCore;

namespace WolverineBaseline;

/// <summary>The original's HTTP API.</summary>
internal static class TicketsEndpoints
{
    private static readonly TimeSpan _processingLimit = TimeSpan.FromMinutes(5);

    public static void MapTickets(this WebApplication app)
    {
        app.MapPost("/user", CreateUserAsync);
        app.MapPost("/ticket", CreateTicketAsync);
        app.MapGet("/ticket", GetTicketAsync);
    }

    private static async Task<IResult> CreateUserAsync(TicketsContext database, CancellationToken cancellationToken)
    {
        User user = new() { UserId = Guid.CreateVersion7(), TimeCreated = DateTime.UtcNow };
        database.Users.Add(user);
        await database.SaveChangesAsync(cancellationToken);
        return Json(new UserCreated(user.UserId), BaselineJson.Default.UserCreated);
    }

    private static async Task<IResult> CreateTicketAsync(
        HttpRequest request, IDbContextOutbox<TicketsContext> outbox, CancellationToken cancellationToken)
    {
        TicketRequest? body;
        try
        {
            body = await request.ReadFromJsonAsync(BaselineJson.Default.TicketRequest, cancellationToken);
        }
        catch (JsonException)
        {
            return Message(StatusCodes.Status400BadRequest, "Invalid JSON format");
        }

        if (string.IsNullOrEmpty(body?.UserId))
        {
            return Message(StatusCodes.Status400BadRequest, "User ID is required in the request body");
        }

        if (!Guid.TryParse(body.UserId, out var userId))
        {
            return Message(StatusCodes.Status404NotFound, "User ID not found");
        }

        Ticket ticket = new() { TicketId = Guid.CreateVersion7(), UserId = userId, TimeCreated = DateTime.UtcNow };
        outbox.DbContext.Tickets.Add(ticket);
        await outbox.PublishAsync(new TicketRequested(ticket.TicketId, userId));
        try
        {
            // The foreign key says whether there is such a user: one round trip instead of two.
            await outbox.SaveChangesAndFlushMessagesAsync(cancellationToken);
        }
        catch (Microsoft.EntityFrameworkCore.DbUpdateException exception)
            when (exception.InnerException is PostgresException { SqlState: PostgresErrorCodes.ForeignKeyViolation })
        {
            return Message(StatusCodes.Status404NotFound, "User ID not found");
        }

        return Json(new TicketCreated(ticket.TicketId), BaselineJson.Default.TicketCreated);
    }

    private static async Task<IResult> GetTicketAsync(HttpContext context, TicketsContext database)
    {
        if (context.Request.Query.Count == 0)
        {
            return Message(StatusCodes.Status400BadRequest, "Query param with Ticket ID is required");
        }

        string? text = context.Request.Query["ticket_id"];
        if (string.IsNullOrEmpty(text))
        {
            return Message(StatusCodes.Status400BadRequest, "Ticket ID is required");
        }

        if (!Guid.TryParse(text, out var id) || await TicketsContext.FindStateAsync(database, id) is not { } ticket)
        {
            return Message(StatusCodes.Status404NotFound, "Ticket not found");
        }

        if (ticket.TimeFinished is { } finished && finished - ticket.TimeCreated <= _processingLimit)
        {
            return Json(new TicketAnswer(ticket.Response ?? ""), BaselineJson.Default.TicketAnswer);
        }

        if (ticket.TimeFinished is not null || DateTime.UtcNow - ticket.TimeCreated > _processingLimit)
        {
            return Message(StatusCodes.Status408RequestTimeout, "Ticket processing request timeout");
        }

        context.Response.Headers.RetryAfter = "1";
        context.Response.Headers.Location = $"/ticket?ticket_id={id}";
        return Message(StatusCodes.Status202Accepted, "Ticket response has not completed yet, try again soon");
    }

    private static JsonHttpResult<T> Json<T>(
        T body, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, int status = StatusCodes.Status200OK) =>
        TypedResults.Json(body, type, statusCode: status);

    private static JsonHttpResult<Message> Message(int status, string text) =>
        Json(new Message(text), BaselineJson.Default.Message, status);
}

internal sealed record TicketRequest(string? UserId);

internal sealed record UserCreated(Guid UserId);

internal sealed record TicketCreated(Guid TicketId);

internal sealed record TicketAnswer(string TicketResponse);

internal sealed record Message([property: JsonPropertyName("message")] string Text);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(TicketRequest))]
[JsonSerializable(typeof(UserCreated))]
[JsonSerializable(typeof(TicketCreated))]
[JsonSerializable(typeof(TicketAnswer))]
[JsonSerializable(typeof(Message))]
internal sealed partial class BaselineJson : JsonSerializerContext;
