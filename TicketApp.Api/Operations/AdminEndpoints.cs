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

    public static IServiceCollection AddAdmin(this IServiceCollection services) =>
        services.AddSingleton<InvariantStore>().AddSingleton<DeadTicketStore>();

    public static RouteGroupBuilder MapAdmin(this RouteGroupBuilder v1)
    {
        var admin = v1.MapGroup("/admin").RequireAdmin(v1);
        admin.MapGet("/invariants", async (InvariantStore store, CancellationToken cancellationToken) =>
            ApiJson.Ok(await store.CountAsync(cancellationToken), OperationsJson.Default.InvariantCounts))
            .Produces<InvariantCounts>()
            .WithSummary("Count what must never be");

        var dispatch = admin.MapGroup("/dispatch");
        dispatch.MapGet("", (DispatchPause pause, CancellationToken cancellationToken) => AnswerAsync(pause.StateAsync(cancellationToken)))
            .Produces<DispatchState>().WithSummary("Say whether dispatching is paused");
        dispatch.MapPost("/pause", (DispatchPause pause, CancellationToken cancellationToken) =>
            AnswerAsync(pause.PauseAsync(cancellationToken)))
            .Produces<DispatchState>().WithSummary("Pause dispatching on every replica");
        dispatch.MapPost("/resume", (DispatchPause pause, CancellationToken cancellationToken) =>
            AnswerAsync(pause.ResumeAsync(cancellationToken)))
            .Produces<DispatchState>().WithSummary("Resume dispatching");

        var dead = admin.MapGroup("/dead-tickets");
        dead.MapGet("", ListAsync)
            .Produces<TicketPage>()
            .WithSummary("List tickets that failed, timed out or expired")
            .WithProblems(ProblemType.InvalidRequest, ProblemType.InvalidCursor);
        dead.MapPost("/retry", RetryAsync)
            .Produces<DeadTicketChange>()
            .WithSummary("Run dead tickets again")
            .WithProblems(ProblemType.InvalidRequest);
        dead.MapPost("/purge", PurgeAsync)
            .Produces<DeadTicketChange>()
            .WithSummary("Remove dead tickets")
            .WithProblems(ProblemType.InvalidRequest);
        return v1;
    }

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
