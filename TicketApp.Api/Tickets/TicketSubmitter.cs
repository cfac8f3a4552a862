using TicketApp.Api.Auth;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;

namespace TicketApp.Api.Tickets;

/// <summary>What became of a submission: a ticket or a problem.</summary>
/// <param name="Row">The ticket.</param>
/// <param name="Problem">The reason, if there is no ticket.</param>
/// <param name="IsReplayed">Whether an earlier request with the same key had made it.</param>
internal sealed record Submission(TicketRecord? Row, Problem? Problem = null, bool IsReplayed = false);

/// <summary>Takes tickets of the resource API, one like the other whether they come alone or in a batch.</summary>
internal sealed class TicketSubmitter(TicketCreator tickets, IdempotencyStore keys)
{
    /// <summary>Stores a ticket, or finds the one that its key stands for already.</summary>
    public async Task<Submission> SubmitAsync(NewTicket ticket, Caller caller)
    {
        if (ticket.UserId == Guid.Empty || !caller.MayActFor(ticket.UserId))
        {
            return new(null, TicketProblems.UserNotFound());
        }

        try
        {
            return await tickets.CreateAsync(ticket) is { } stored
                ? new(stored.ToRecord(ticket))
                : await RepeatAsync(ticket) ?? new(null, TicketProblems.UserNotFound());
        }
        catch (Exception exception) when (exception is OverloadedException or UserLimitException && ticket.Key is not null)
        {
            // No new ticket is taken, but this one may be there.
            if (await RepeatAsync(ticket) is { } repeat)
            {
                return repeat;
            }

            throw;
        }
    }

    /// <summary>What an earlier request with the ticket's key has made; null if there was none.</summary>
    private async Task<Submission?> RepeatAsync(NewTicket ticket)
    {
        if (ticket.Key is not { } key || await keys.SubmitAsync((ticket.UserId, key.Key)) is not { } earlier)
        {
            return null;
        }

        return earlier.BodyHash.AsSpan().SequenceEqual(key.BodyHash)
            ? new(earlier.Ticket.Available, IsReplayed: true)
            : new(null, ProblemType.KeyReused.With());
    }
}
