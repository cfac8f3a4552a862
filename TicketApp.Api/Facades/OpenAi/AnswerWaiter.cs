using Microsoft.Extensions.Options;
using TicketApp.Api.Auth;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;
using TicketApp.Api.Waiting;

namespace TicketApp.Api.Facades.OpenAi;

/// <summary>Holds requests until their tickets have ended, however long that takes.</summary>
internal sealed partial class AnswerWaiter(
    TicketPoller poller, KeyReader keys, TicketCanceler canceler, IOptions<WaitingOptions> options, ILogger<AnswerWaiter> logger)
{
    // A worker stops a run within a second, and gives it three.
    private static readonly TimeSpan _stopping = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Follows a ticket until it has ended, is gone or its caller's key is, or this process stops.
    /// </summary>
    /// <param name="row">The ticket.</param>
    /// <param name="caller">Who follows it.</param>
    /// <param name="cancelsIfLost">Whether nobody can ask for the answer later, so that the ticket is canceled if it is not told.</param>
    /// <param name="tell">Called with the ticket as it is, at once and whenever there are news; the last time once it has ended.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The ticket as it is then; null if it is gone, or the key is.</returns>
    /// <exception cref="OverloadedException">As many requests wait as may.</exception>
    public async Task<TicketRecord?> FollowAsync(
        TicketRecord row, FacadeCaller caller, bool cancelsIfLost, Func<TicketRecord, Task>? tell, CancellationToken cancellationToken)
    {
        TicketRecord? latest = null;
        try
        {
            return latest = await FollowAsync(row, caller, tell, cancellationToken);
        }
        finally
        {
            if (cancelsIfLost && latest is not { IsFinished: true })
            {
                await AbandonAsync(row);
            }
        }
    }

    /// <summary>Cancels a ticket, and waits a moment for its worker to stop.</summary>
    /// <returns>The ticket as it is then; null if it is gone.</returns>
    public async Task<TicketRecord?> CancelAsync(TicketRecord row, CancellationToken cancellationToken)
    {
        if (await canceler.CancelAsync(row, cancellationToken) is not { } canceled)
        {
            return null;
        }

        try
        {
            using var subscription = poller.Subscribe(canceled);
            await subscription.WaitForEndAsync(_stopping, cancellationToken);
            return subscription.Latest;
        }
        catch (OverloadedException)
        {
            // Its state says how far that is.
            return canceled;
        }
    }

    /// <summary>Why a ticket could not be followed to its end.</summary>
    public static OpenAiError ErrorOf(TicketRecord? latest) => latest is null
        ? OpenAiError.NotFound("The ticket was removed, or the key is no longer in force.")
        : OpenAiError.Failed("This server stops. Ask again.", "unavailable", StatusCodes.Status503ServiceUnavailable);

    /// <summary>Cancels a ticket of which its caller does not know.</summary>
    public async Task AbandonAsync(TicketRecord row)
    {
        try
        {
            // Whatever has ended the request.
            await canceler.CancelAsync(row, CancellationToken.None);
        }
        catch (Exception exception) when (DatabaseErrors.IsUnavailable(exception))
        {
            Log.NotCanceled(logger, row.TicketId, DatabaseErrors.Describe(exception) ?? exception.Message);
        }
    }

    private async Task<TicketRecord?> FollowAsync(
        TicketRecord row, FacadeCaller caller, Func<TicketRecord, Task>? tell, CancellationToken cancellationToken)
    {
        using var subscription = poller.Subscribe(row);
        while (subscription.Latest is { } latest && await keys.IsGoodAsync(caller.User))
        {
            if (tell is not null)
            {
                await tell(latest);
            }

            if (latest.IsFinished || subscription.IsStopped)
            {
                return latest;
            }

            await subscription.WaitAsync(options.Value.ProgressInterval, cancellationToken);
        }

        return null;
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Warning,
            Message = "Ticket {TicketId}, whose caller is gone, is not canceled and takes its course: {Reason}")]
        public static partial void NotCanceled(ILogger logger, Guid ticketId, string reason);
    }
}
