using System.Security.Cryptography;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;
using TicketApp.Api.Auth;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;

namespace TicketApp.Api.Tickets;

/// <summary>Tickets of the resource API: one is made, one is looked at.</summary>
internal static class TicketResourceEndpoints
{
    /// <summary>A ticket that waits.</summary>
    public const string Example =
        """
        {
          "id": "01a205da-a612-79e7-be41-135fd85e6f9f", "user_id": "01a205da-a5ea-7abf-916d-5fb3315c6011",
          "status": "queued", "model": "simulated", "input": null,
          "created_at": "2026-01-31T12:00:00.123456Z", "started_at": null, "finished_at": null, "purge_at": null,
          "expires_at": "2026-01-31T12:05:00.123456Z",
          "response": null, "response_details": null, "error": null, "attempt": 0, "max_attempts": 3, "priority": "normal",
          "queue": { "position": 12, "eta_seconds": { "p50": 30, "p90": 75 }, "wait_reason": "at_capacity" },
          "urls": {
            "self": "/v1/tickets/01a205da-a612-79e7-be41-135fd85e6f9f", "cancel": "/v1/tickets/01a205da-a612-79e7-be41-135fd85e6f9f/cancel",
            "events": "/v1/tickets/01a205da-a612-79e7-be41-135fd85e6f9f/events"
          }
        }
        """;

    public static RouteGroupBuilder MapTicketResources(this RouteGroupBuilder v1)
    {
        v1.MapPost("/tickets", CreateAsync).Accepts<CreateTicket>("application/json").Produces<TicketResource>(StatusCodes.Status201Created)
            .Describe(
                "createTicket", ApiTags.Tickets, "Submit a ticket", "It is stored, and finishes whether or not anybody waits for it.")
            .WithHeader(
                IdempotencyHeader.Name,
                "1 to 255 visible ASCII characters. "
                    + "A repetition of the request under the same key gives the same ticket, with Idempotent-Replayed: true.",
                IdempotencyHeader.MaxKey)
            .WithHeader(WaitPreference.Header, $"{WaitPreference.Description} {WaitPreference.AsyncDescription}", WaitPreference.MaxLength)
            .WithResponseHeader(DescribedHeaders.Location)
            .WithResponseHeader(DescribedHeaders.PreferenceApplied)
            .WithResponseHeader(DescribedHeaders.IdempotentReplayed)
            .WithRequestExample("""{"user_id":"01a205da-a5ea-7abf-916d-5fb3315c6011","priority":"high","policy":{"deadline_s":120}}""")
            .WithResponseExample(Example)
            .WithProblems(
                ProblemType.UnknownModel, ProblemType.UserNotFound, ProblemType.TooLarge, ProblemType.KeyReused,
                ProblemType.TooManyOpenTickets);
        v1.MapMethods("/tickets/{id}", [HttpMethods.Get, HttpMethods.Head], GetAsync)
            .Produces<TicketResource>()
            .Produces(StatusCodes.Status304NotModified)
            .Describe("getTicket", ApiTags.Tickets, "Look at a ticket", "200 in every state: see status.")
            .WithHeader(WaitPreference.Header, WaitPreference.Description, WaitPreference.MaxLength)
            .WithHeader("If-None-Match", "The ETag of a finished ticket that the caller has: 304 as long as it is the same.", 4096)
            .WithResponseHeader(DescribedHeaders.PreferenceApplied, StatusCodes.Status200OK, StatusCodes.Status304NotModified)
            .WithResponseHeader(DescribedHeaders.ETag, StatusCodes.Status200OK, StatusCodes.Status304NotModified)
            .WithResponseExample(Example)
            .WithProblems(ProblemType.TicketNotFound);
        return v1;
    }

    private static async Task<Utf8ContentHttpResult> CreateAsync(
        HttpContext context, Caller caller, CreateTicketReader requests, TicketSubmitter tickets,
        TicketPresenter presenter, ILongPoll longPoll, ByteLimit bytes, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadWithInputsAsync(context.Request, cancellationToken);
        if (body.Problem is { } unreadable)
        {
            return unreadable.ToResult();
        }

        var (key, unusable) = IdempotencyKey.Read(context.Request.Headers[IdempotencyHeader.Name], body.Bytes);
        var (ticket, problem) = requests.Read(body.Root);
        if (ticket is null || unusable is not null)
        {
            return (problem ?? unusable!).ToResult();
        }

        var submission = await tickets.SubmitAsync(ticket with { Key = key }, caller);
        if (submission.Row is not { } row)
        {
            return submission.Problem!.ToResult();
        }

        if (WaitPreference.WantsAsync(context.Request.Headers[WaitPreference.Header]))
        {
            context.Response.Headers[WaitPreference.AppliedHeader] = WaitPreference.RespondAsync;
        }

        try
        {
            var waited = await longPoll.WaitAsync(context, row, cancellationToken) ?? row;
            bytes.Take(context, waited.Bytes);
            row = waited;
        }
        catch (OverloadedException)
        {
            // The ticket is there; that its caller would rather have waited is no reason to say otherwise.
        }

        var created = await presenter.ShowAsync(row, cancellationToken);
        context.Response.Headers.Location = created.Urls.Self;
        if (submission.IsReplayed)
        {
            context.Response.Headers[DescribedHeaders.IdempotentReplayed] = "true";
        }

        return ApiJson.Created(created, TicketJson.Default.TicketResource);
    }

    private static async Task<IResult> GetAsync(
        string id, HttpContext context, Caller caller, TicketRecordReader tickets, TicketPresenter presenter,
        ILongPoll longPoll, ByteLimit bytes, CancellationToken cancellationToken)
    {
        if (await tickets.FindAsync(id, caller) is not { } row)
        {
            return TicketProblems.NotFound();
        }

        row = await longPoll.WaitAsync(context, row, cancellationToken);
        if (row is null)
        {
            return TicketProblems.NotFound();
        }

        bytes.Take(context, row.Bytes);
        var body = ApiJson.Serialize(await presenter.ShowAsync(row, cancellationToken), TicketJson.Default.TicketResource);
        return row.IsFinished && IsKnown(context, body)
            ? TypedResults.StatusCode(StatusCodes.Status304NotModified)
            : TypedResults.Text(body, ApiJson.ContentType);
    }

    /// <summary>Tags a finished ticket. Whether the caller has it already.</summary>
    private static bool IsKnown(HttpContext context, byte[] body)
    {
        // Strong: made of the very bytes, so that it changes with a retry as well as with a release that shows more.
        EntityTagHeaderValue tag = new($"\"{Convert.ToHexStringLower(SHA256.HashData(body).AsSpan(0, 16))}\"");
        context.Response.Headers.ETag = tag.ToString();
        return context.Request.GetTypedHeaders().IfNoneMatch.Any(
            known => known.Equals(EntityTagHeaderValue.Any) || known.Compare(tag, useStrongComparison: false));
    }
}

/// <summary>Lets requests wait for tickets; <c>Waiting</c> implements it.</summary>
internal interface ILongPoll
{
    /// <summary>Waits for the ticket to end, if the request prefers that to an answer at once, and says so in the response.</summary>
    /// <returns>The ticket as it is then; null if it is gone, or the caller's key is.</returns>
    /// <exception cref="OverloadedException">As many requests wait as may.</exception>
    Task<TicketRecord?> WaitAsync(HttpContext context, TicketRecord ticket, CancellationToken cancellationToken);

    /// <summary>The same for so many seconds, whatever the request prefers.</summary>
    Task<TicketRecord?> WaitAsync(HttpContext context, TicketRecord ticket, int seconds, CancellationToken cancellationToken);
}
