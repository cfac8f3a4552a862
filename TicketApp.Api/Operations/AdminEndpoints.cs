using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using TicketApp.Api.Auth;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Http;
using TicketApp.Api.Tickets;

namespace TicketApp.Api.Operations;

/// <summary>What only administrators may do; in mode <c>open</c>, everyone.</summary>
internal static class AdminEndpoints
{
    private const int DefaultPage = 20;
    private const int MaxPage = 100;
    private const int MaxWord = 200;

    public static IServiceCollection AddAdmin(this IServiceCollection services) =>
        services.AddSingleton<InvariantStore>().AddSingleton<DeadTicketStore>();

    public static RouteGroupBuilder MapAdmin(this RouteGroupBuilder v1)
    {
        var admin = v1.MapGroup("/admin").RequireAdmin(v1).WithProblems(ProblemType.KeyNotEnough);
        admin.MapGet("/invariants", async (InvariantStore store, CancellationToken cancellationToken) =>
            ApiJson.Ok(await store.CountAsync(cancellationToken), OperationsJson.Default.InvariantCounts))
            .Produces<InvariantCounts>()
            .Describe(
                "countInvariants", ApiTags.Administration, "Count what must never be",
                "Looks at open tickets and the latest 10,000. Anything but 0 is a defect of the service or of its servers.");

        var dispatch = admin.MapGroup("/dispatch");
        dispatch.MapGet("", (DispatchPause pause, CancellationToken cancellationToken) => AnswerAsync(pause.StateAsync(cancellationToken)))
            .Produces<DispatchState>()
            .Describe("getDispatch", ApiTags.Administration, "Say whether dispatching is paused", "And since when.");
        dispatch.MapPost("/pause", (DispatchPause pause, CancellationToken cancellationToken) =>
            AnswerAsync(pause.PauseAsync(cancellationToken)))
            .Produces<DispatchState>()
            .Describe(
                "pauseDispatch", ApiTags.Administration, "Pause dispatching on every replica",
                "New tickets are accepted and wait; dispatched tickets continue. Repeating is harmless.");
        dispatch.MapPost("/resume", (DispatchPause pause, CancellationToken cancellationToken) =>
            AnswerAsync(pause.ResumeAsync(cancellationToken)))
            .Produces<DispatchState>()
            .Describe("resumeDispatch", ApiTags.Administration, "Resume dispatching", "Repeating is harmless.");

        var dead = admin.MapGroup("/dead-tickets");
        dead.MapGet("", ListAsync)
            .Produces<TicketPage>()
            .Describe(
                "listDeadTickets", ApiTags.Administration, "List tickets that failed, timed out or expired", "The youngest first.")
            .WithDeadTickets(MaxPage, DefaultPage)
            .WithProblems(ProblemType.InvalidCursor);
        dead.MapPost("/retry", RetryAsync)
            .Produces<DeadTicketChange>()
            .Describe(
                "retryDeadTickets", ApiTags.Administration, "Run dead tickets again",
                "The youngest first; call again while there are more.")
            .WithDeadTickets(DeadTickets.MaxAtOnce, DeadTickets.MaxAtOnce)
            .WithProblems(ProblemType.InvalidCursor);
        dead.MapPost("/purge", PurgeAsync)
            .Produces<DeadTicketChange>()
            .Describe(
                "purgeDeadTickets", ApiTags.Administration, "Remove dead tickets", "The youngest first; call again while there are more.")
            .WithDeadTickets(DeadTickets.MaxAtOnce, DeadTickets.MaxAtOnce)
            .WithProblems(ProblemType.InvalidCursor);
        return v1;
    }

    private static RouteHandlerBuilder WithDeadTickets(this RouteHandlerBuilder endpoint, int most, int otherwise) =>
        endpoint
            .WithQuery("status", "Only with that end. Default: any of the three.", Schemas.Words(DeadTickets.Ends))
            .WithQuery("model", "Only of that model.", Schemas.Text(MaxWord))
            .WithQuery("error_type", "Only with that error.", Schemas.Text(MaxWord))
            .WithQuery("limit", "At most so many.", Schemas.Number(1, most, otherwise))
            .WithQuery("cursor", "The value of next of the page before.", Schemas.Text(CursorSeal.MaxText));

    private static async Task<Utf8ContentHttpResult> AnswerAsync(Task<DispatchState> state) =>
        ApiJson.Ok(await state, DispatchJson.Default.DispatchState);

    private static async Task<IResult> ListAsync(
        HttpRequest request, DeadTicketStore store, TicketPresenter presenter, CursorSeal cursors,
        ByteLimit bytes, IOptions<TicketOptions> options, CancellationToken cancellationToken)
    {
        var (dead, problem) = DeadTickets.Read(request.Query, options.Value.MaxPage, DefaultPage, cursors);
        if (dead is null)
        {
            return problem!.ToResult();
        }

        var taken = bytes.Begin(request.HttpContext);
        var (rows, more) = await store.ListAsync(dead, taken, cancellationToken);
        var next = more ? dead.CursorAfter(cursors, rows[^1].TicketId) : null;
        return ApiJson.OkInParts(
            new TicketPage(await presenter.ShowAsync(rows, cancellationToken), next), TicketJson.Default.TicketPage, taken.Count);
    }

    private static async Task<Utf8ContentHttpResult> RetryAsync(
        HttpRequest request, DeadTicketStore store, TicketRetrier retrier, CursorSeal cursors, CancellationToken cancellationToken)
    {
        var (dead, problem) = DeadTickets.Read(request.Query, DeadTickets.MaxAtOnce, DeadTickets.MaxAtOnce, cursors);
        if (dead is null)
        {
            return problem!.ToResult();
        }

        var ids = await store.IdsAsync(dead, cancellationToken);
        var retried = await Task.WhenAll(ids.Select(retrier.RetryAsync));
        return ApiJson.Ok(
            new DeadTicketChange(retried.Count(isRetried => isRetried), ids.Count == dead.Limit), OperationsJson.Default.DeadTicketChange);
    }

    private static async Task<Utf8ContentHttpResult> PurgeAsync(
        HttpRequest request, DeadTicketStore store, CursorSeal cursors, CancellationToken cancellationToken)
    {
        var (dead, problem) = DeadTickets.Read(request.Query, DeadTickets.MaxAtOnce, DeadTickets.MaxAtOnce, cursors);
        if (dead is null)
        {
            return problem!.ToResult();
        }

        var purged = await store.PurgeAsync(dead, cancellationToken);
        return ApiJson.Ok(new DeadTicketChange(purged, purged == dead.Limit), OperationsJson.Default.DeadTicketChange);
    }
}

/// <summary>What was done to dead tickets.</summary>
/// <param name="Count">To how many.</param>
/// <param name="More">Whether there may be more: call again.</param>
public sealed record DeadTicketChange(int Count, bool More);
