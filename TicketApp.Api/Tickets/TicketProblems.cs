using Microsoft.AspNetCore.Http.HttpResults;
using TicketApp.Api.Http;

namespace TicketApp.Api.Tickets;

/// <summary>What several endpoints of tickets answer alike.</summary>
internal static class TicketProblems
{
    /// <summary>There is no such ticket, or it is not the caller's.</summary>
    public static Utf8ContentHttpResult NotFound() => ProblemType.TicketNotFound.With("Check the id. A finished ticket is kept for a limited time only.").ToResult();

    /// <summary>There is no such user, or the caller may not act for that one.</summary>
    public static Problem UserNotFound() => ProblemType.UserNotFound.With("Create a user with POST /v1/users and use its id as user_id.");
}
