using TicketApp.Api.Auth;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;

namespace TicketApp.Api.Tickets;

/// <summary>The end of a ticket before its time to be kept is over.</summary>
internal static class RetentionEndpoints
{
    public static RouteGroupBuilder MapRetention(this RouteGroupBuilder v1)
    {
        v1.MapDelete("/tickets/{id}", DeleteAsync).Produces(StatusCodes.Status204NoContent)
            .Describe("deleteTicket", ApiTags.Tickets, "Remove a ticket that has finished", "It answers 404 from then on. Cancel it first.")
            .WithProblems(ProblemType.TicketNotFound, ProblemType.NotFinished);
        return v1;
    }

    private static async Task<IResult> DeleteAsync(
        string id, Caller caller, TicketRecordReader tickets, SucceededTickets succeeded,
        PurgeStore store, CancellationToken cancellationToken)
    {
        if (await tickets.FindAsync(id, caller) is not { } row)
        {
            return TicketProblems.NotFound();
        }

        switch (await store.DeleteAsync(row.TicketId, cancellationToken))
        {
            case Deletion.Deleted:
                succeeded.Remove(row.TicketId);
                return TypedResults.NoContent();
            case Deletion.NotFinished:
                return ProblemType.NotFinished.With($"Cancel it first, with POST {ResourceApi.Prefix}/tickets/{row.TicketId}/cancel.")
                    .ToResult();
            default:
                return TicketProblems.NotFound();
        }
    }
}
