using Microsoft.AspNetCore.Http.HttpResults;
using TicketApp.Api.Auth;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;

namespace TicketApp.Api.Tickets;

/// <summary>What several endpoints of tickets answer alike.</summary>
internal static class TicketProblems
{
    /// <summary>There is no such ticket, or it is not the caller's.</summary>
    public static Utf8ContentHttpResult NotFound() =>
        ProblemType.TicketNotFound.With("Check the id. A finished ticket is kept for a limited time only.").ToResult();

    /// <summary>There is no such user, or the caller may not act for that one.</summary>
    public static Problem UserNotFound() => ProblemType.UserNotFound.With("Create a user with POST /v1/users and use its id as user_id.");

    /// <summary>The problem of an exception, with nothing of the inside told.</summary>
    public static Problem Of(Exception exception) => exception switch
    {
        BadHttpRequestException bad => ProblemAnswers.OfStatus(bad.StatusCode),
        UserLimitException => ProblemType.TooManyOpenTickets.With("Wait until some have finished, or cancel some."),
        OverloadedException => ProblemType.Overloaded.With("Try again after the time in Retry-After."),
        _ when DatabaseErrors.IsUnavailable(exception) =>
            ProblemType.Unavailable.With("Try again after the time in Retry-After. Nothing is half-done."),
        _ => ProblemType.InternalError.With("It is in the log. Trying again may help."),
    };
}
