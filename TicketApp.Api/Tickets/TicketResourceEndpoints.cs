using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;
using TicketApp.Api.Access;
using TicketApp.Api.Problems;

namespace TicketApp.Api.Tickets;

/// <summary>Tickets of the resource API: one is made, one is looked at.</summary>
internal static class TicketResourceEndpoints
{
    public static RouteGroupBuilder MapTicketResources(this RouteGroupBuilder v1)
    {
        v1.MapPost("/tickets", CreateAsync).Accepts<CreateTicket>("application/json").Produces<Ticket>(StatusCodes.Status201Created);
        v1.MapMethods("/tickets/{id}", [HttpMethods.Get, HttpMethods.Head], GetAsync).Produces<Ticket>().Produces(StatusCodes.Status304NotModified);
        return v1;
    }

    private static async Task<Utf8ContentHttpResult> CreateAsync(
        HttpRequest request, HttpResponse response, Caller caller, CreateTicketReader requests, TicketCreator tickets, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(request, cancellationToken);
        if (body.Problem is { } unreadable)
        {
            return unreadable.ToResult();
        }

        var (ticket, problem) = requests.Read(body.Root);
        if (ticket is null)
        {
            return problem!.ToResult();
        }

        if (ticket.UserId == Guid.Empty || !caller.MayActFor(ticket.UserId) || await tickets.CreateAsync(ticket) is not { } stored)
        {
            return ProblemType.UserNotFound.With("Create a user with POST /v1/users and use its id as user_id.").ToResult();
        }

        var created = Ticket.Of(TicketRow.Of(ticket, stored));
        response.Headers.Location = created.Urls.Self;
        return ApiJson.Created(created, ApiJson.Default.Ticket);
    }

    private static async Task<IResult> GetAsync(string id, HttpRequest request, HttpResponse response, Caller caller, TicketRowReader tickets)
    {
        var row = await tickets.FindAsync(id);
        if (row is null || !caller.MayActFor(row.UserId))
        {
            return TicketNotFound();
        }

        var body = JsonSerializer.SerializeToUtf8Bytes(Ticket.Of(row), ApiJson.Default.Ticket);
        if (row.IsFinished)
        {
            // Strong: made of the very bytes, so that it changes with a retry as well as with a release that shows more.
            EntityTagHeaderValue tag = new($"\"{Convert.ToHexStringLower(SHA256.HashData(body).AsSpan(0, 16))}\"");
            response.Headers.ETag = tag.ToString();
            response.Headers.CacheControl = "private, no-cache";
            if (request.GetTypedHeaders().IfNoneMatch.Any(known => known.Equals(EntityTagHeaderValue.Any) || known.Compare(tag, useStrongComparison: false)))
            {
                return TypedResults.StatusCode(StatusCodes.Status304NotModified);
            }
        }

        return TypedResults.Text(body, ApiJson.ContentType);
    }

    private static Utf8ContentHttpResult TicketNotFound() =>
        ProblemType.TicketNotFound.With("Check the id. A finished ticket is kept for a limited time only.").ToResult();
}
