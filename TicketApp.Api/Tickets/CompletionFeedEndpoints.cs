using Microsoft.Extensions.Options;
using TicketApp.Api.Auth;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Http;

namespace TicketApp.Api.Tickets;

internal static class CompletionFeedEndpoints
{
    public static IServiceCollection AddCompletionFeed(this IServiceCollection services) => services.AddSingleton<CompletionFeedStore>();

    /// <summary>Maps the log of what finished.</summary>
    public static RouteGroupBuilder MapCompletionFeed(this RouteGroupBuilder v1)
    {
        v1.MapGet("/tickets/changes", ReadAsync).Produces<TicketChanges>()
            .Describe(
                "followTickets", ApiTags.Tickets, "Follow what finished",
                "The log of ends, in order. Each end is there once, for every reader; ask again with the value of next, now or later.")
            .WithQuery(
                "after", "The value of next of the answer before; now for what ends from now on; absent for everything.",
                Schemas.Text(CursorSeal.MaxText))
            .WithQuery("user_id", "Only this user's tickets.", Schemas.Id)
            .WithQuery("limit", "The most in an answer.", Schemas.Number(1, 100, 100))
            .WithProblems(ProblemType.InvalidCursor);
        return v1;
    }

    private static async Task<IResult> ReadAsync(
        HttpRequest request, Caller caller, CompletionFeedStore changes, TicketPresenter presenter, CursorSeal cursors,
        ByteLimit bytes, IOptions<TicketOptions> options, CancellationToken cancellationToken)
    {
        var (query, problem) = CompletionFeedQuery.Read(request.Query, options.Value.MaxPage, cursors);
        if (query is null)
        {
            return problem!.ToResult();
        }

        if (!caller.MayActForAll)
        {
            // Somebody else's tickets are as if they were not there.
            query = query with { UserId = query.UserId is null || query.UserId == caller.UserId ? caller.UserId : Guid.Empty };
        }

        var taken = bytes.Begin(request.HttpContext);
        var (rows, next) = await changes.ReadAsync(query, taken, cancellationToken);
        return ApiJson.OkInParts(
            new TicketChanges(await presenter.ShowAsync(rows, cancellationToken), next), TicketJson.Default.TicketChanges, taken.Count);
    }
}

/// <summary>Part of the log of what finished.</summary>
/// <param name="Results">Tickets in the order in which they ended.</param>
/// <param name="Next">Where to continue, now or later: the parameter <c>after</c> of the next request.</param>
public sealed record TicketChanges([property: SchemaLength(100)] IReadOnlyList<TicketResource> Results, string Next);
