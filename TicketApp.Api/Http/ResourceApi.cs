namespace TicketApp.Api.Http;

/// <summary>The resource API: one route group, on which what holds for all of its endpoints is set once.</summary>
internal static class ResourceApi
{
    /// <summary>What every path of it begins with.</summary>
    public const string Prefix = "/v1";

    /// <summary>The group that every endpoint of the resource API is mapped on.</summary>
    public static RouteGroupBuilder MapResourceApi(this IEndpointRouteBuilder routes) =>
        routes.MapGroup(Prefix)
            .WithProblems(
                ProblemType.InvalidRequest, ProblemType.KeyRequired, ProblemType.TooManyRequests,
                ProblemType.InternalError, ProblemType.Unavailable, ProblemType.Overloaded);
}
