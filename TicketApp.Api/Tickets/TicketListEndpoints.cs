using Microsoft.Extensions.Options;
using TicketApp.Api.Auth;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;

namespace TicketApp.Api.Tickets;

internal static class TicketListEndpoints
{
    private static readonly string _status = $"({string.Join('|', TicketStatusNames.AllPublic)})";
    private static readonly string _statuses = $"^{_status}(,{_status})*$";

    public static IServiceCollection AddTicketLists(this IServiceCollection services) => services.AddSingleton<TicketListStore>();

    /// <summary>Maps lists of tickets.</summary>
    public static RouteGroupBuilder MapTicketLists(this RouteGroupBuilder v1)
    {
        v1.MapGet("/tickets", ListAsync).Produces<TicketPage>()
            .Describe("listTickets", ApiTags.Tickets, "List tickets, newest first", "With filters a page may be short while more follow.")
            .WithQuery("user_id", "Only this user's.", Schemas.Id)
            .WithQuery("status", "Only in these states, separated by commas.", Schemas.Pattern(_statuses))
            .WithQuery("created_after", "Only those created after this time, such as 2026-01-31T12:00:00Z.", Schemas.Time)
            .WithQuery("created_before", "Only those created before this time.", Schemas.Time)
            .WithQuery("limit", "The most on a page.", Schemas.Number(1, 100, TicketListQuery.DefaultLimit))
            .WithQuery("cursor", "The value of next of the page before.", Schemas.Text(CursorSeal.MaxText))
            .WithProblems(ProblemType.InvalidCursor);
        return v1;
    }

    private static async Task<IResult> ListAsync(
        HttpRequest request, Caller caller, TicketListStore lists, TicketPresenter presenter, CursorSeal cursors,
        ByteLimit bytes, IOptions<TicketOptions> options, CancellationToken cancellationToken)
    {
        var (query, problem) = TicketListQuery.Read(request.Query, options.Value.MaxPage, caller, cursors);
        if (query is null)
        {
            return problem!.ToResult();
        }

        var taken = bytes.Begin(request.HttpContext);
        var (rows, next) = await lists.ReadAsync(query, taken, cancellationToken);
        return ApiJson.OkInParts(
            new TicketPage(await presenter.ShowAsync(rows, cancellationToken), next), TicketJson.Default.TicketPage, taken.Count);
    }
}

/// <summary>A page of a list.</summary>
/// <param name="Results">Tickets, newest first. With filters or large tickets, a page may be short or empty while more follow.</param>
/// <param name="Next">The parameter <c>cursor</c> of the next page; null after the last.</param>
public sealed record TicketPage([property: SchemaLength(100)] IReadOnlyList<TicketResource> Results, string? Next);
