using Microsoft.AspNetCore.Http.HttpResults;
using TicketApp.Api.Auth;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;

namespace TicketApp.Api.Tickets;

/// <summary>What several endpoints of tickets answer alike.</summary>
internal static class TicketProblems
{
    /// <summary>There is no such ticket, or it is not the caller's.</summary>
    public static Utf8ContentHttpResult NotFound() => ProblemType.TicketNotFound.With().ToResult();

    /// <summary>There is no such user, or the caller may not act for that one.</summary>
    public static Problem UserNotFound() => ProblemType.UserNotFound.With();

    /// <summary>The problem of an exception, with nothing of the inside told.</summary>
    public static Problem Of(Exception exception) => exception switch
    {
        BadHttpRequestException bad => ProblemAnswers.OfStatus(bad.StatusCode),
        UserLimitException => ProblemType.TooManyOpenTickets.With(),
        OverloadedException => ProblemType.Overloaded.With(),
        _ when DatabaseErrors.IsUnavailable(exception) => ProblemType.Unavailable.With(),
        _ => ProblemType.InternalError.With(),
    };
}
