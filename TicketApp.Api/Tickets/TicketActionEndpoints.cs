using Microsoft.AspNetCore.Http.HttpResults;
using TicketApp.Api.Auth;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;

namespace TicketApp.Api.Tickets;

/// <summary>What a caller can do with a ticket that is there.</summary>
internal static class TicketActionEndpoints
{
    public static RouteGroupBuilder MapTicketActions(this RouteGroupBuilder v1)
    {
        v1.MapPost("/tickets/{id}/cancel", CancelAsync).Produces<TicketResource>().Produces<TicketResource>(StatusCodes.Status202Accepted)
            .Describe(
                "cancelTicket", ApiTags.Tickets, "Cancel a ticket",
                "200: it is canceled, or had ended before and stays as it is. 202: its worker is told to stop. Repeating is harmless.")
            .WithProblems(ProblemType.TicketNotFound);
        v1.MapPost("/tickets/{id}/retry", RetryAsync).Produces<TicketResource>()
            .Describe(
                "retryTicket", ApiTags.Tickets, "Run a ticket again that ended without a response",
                "It keeps its id, and comes at the end of its user's backlog.")
            .WithHeader(
                IdempotencyHeader.Name,
                "1 to 255 visible ASCII characters. "
                    + "A repetition under the same key runs nothing again and gives the ticket, with Idempotent-Replayed: true.",
                IdempotencyHeader.MaxKey)
            .WithResponseHeader(DescribedHeaders.IdempotentReplayed)
            .WithProblems(ProblemType.TicketNotFound, ProblemType.NotRetryable, ProblemType.TooManyOpenTickets);
        v1.MapDelete("/tickets/{id}", DeleteAsync).Produces(StatusCodes.Status204NoContent)
            .Describe("deleteTicket", ApiTags.Tickets, "Remove a ticket that has finished", "It answers 404 from then on. Cancel it first.")
            .WithProblems(ProblemType.TicketNotFound, ProblemType.NotFinished);
        return v1;
    }

    private static async Task<Utf8ContentHttpResult> CancelAsync(
        string id, Caller caller, TicketRecordReader tickets, TicketCanceler canceler,
        TicketPresenter presenter, CancellationToken cancellationToken)
    {
        if (await tickets.FindAsync(id, caller) is not { } row || await canceler.CancelAsync(row, cancellationToken) is not { } now)
        {
            return TicketProblems.NotFound();
        }

        return ApiJson.WithStatus(
            now.Status == TicketStatus.Canceling ? StatusCodes.Status202Accepted : StatusCodes.Status200OK,
            await presenter.ShowAsync(now, cancellationToken),
            TicketJson.Default.TicketResource);
    }

    private static async Task<Utf8ContentHttpResult> RetryAsync(
        string id, HttpContext context, Caller caller, TicketRecordReader tickets, TicketRetrier retrier,
        TicketPresenter presenter, CancellationToken cancellationToken)
    {
        var (key, unusable) = IdempotencyKey.Read(context.Request.Headers[IdempotencyHeader.Name], []);
        if (unusable is not null)
        {
            return unusable.ToResult();
        }

        if (await tickets.FindAsync(id, caller) is not { } row)
        {
            return TicketProblems.NotFound();
        }

        var retried = await retrier.RetryAsync(row, key);
        if (retried is null && key is not null && await retrier.HasRetriedAsync(row.TicketId, key, cancellationToken))
        {
            context.Response.Headers[DescribedHeaders.IdempotentReplayed] = "true";
            retried = await tickets.FindAsync(id);
        }

        return retried is not null
            ? ApiJson.Ok(await presenter.ShowAsync(retried, cancellationToken), TicketJson.Default.TicketResource)
            : ProblemType.NotRetryable.With(
                    "Only a ticket that has failed, timed out, expired or was canceled can run again, "
                        + "and at most 1,000 times. Submit a new one.")
                .ToResult();
    }

    private static async Task<IResult> DeleteAsync(
        string id, Caller caller, TicketRecordReader tickets, TicketRemover remover, CancellationToken cancellationToken)
    {
        if (await tickets.FindAsync(id, caller) is not { } row)
        {
            return TicketProblems.NotFound();
        }

        return await remover.DeleteAsync(row.TicketId, cancellationToken) switch
        {
            Deletion.Deleted => TypedResults.NoContent(),
            Deletion.NotFinished => ProblemType.NotFinished
                .With($"Cancel it first, with POST {ResourceApi.Prefix}/tickets/{row.TicketId}/cancel.")
                .ToResult(),
            _ => TicketProblems.NotFound(),
        };
    }
}
