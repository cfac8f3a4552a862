using Microsoft.Extensions.Options;
using TicketApp.Api.Access;
using TicketApp.Api.Tickets;

namespace TicketApp.Api.Changes;

internal static class ChangesEndpoints
{
    public static IServiceCollection AddChanges(this IServiceCollection services) => services.AddSingleton<ChangesStore>();

    /// <summary>Maps the log of what finished.</summary>
    public static RouteGroupBuilder MapChanges(this RouteGroupBuilder v1)
    {
        v1.MapGet("/tickets/changes", ReadAsync).Produces<TicketChanges>();
        return v1;
    }

    private static async Task<IResult> ReadAsync(
        HttpRequest request, Caller caller, ChangesStore changes, TicketPresenter presenter, IOptions<TicketOptions> options, CancellationToken cancellationToken)
    {
        var (query, problem) = ChangesQuery.Read(request.Query, options.Value.LargestPage);
        if (query is null)
        {
            return problem!.ToResult();
        }

        if (!caller.MayActForAll)
        {
            // Somebody else's tickets are as if they were not there.
            query = query with { UserId = query.UserId is null || query.UserId == caller.UserId ? caller.UserId : Guid.Empty };
        }

        var (rows, next) = await changes.ReadAsync(query, cancellationToken);
        return ApiJson.Ok(new TicketChanges(await presenter.ShowAsync(rows, cancellationToken), next), ApiJson.Default.TicketChanges);
    }
}

/// <summary>Part of the log of what finished.</summary>
/// <param name="Results">Tickets in the order in which they ended.</param>
/// <param name="Next">Where to go on, now or later: the parameter <c>after</c> of the next request.</param>
public sealed record TicketChanges(IReadOnlyList<Ticket> Results, string Next);
