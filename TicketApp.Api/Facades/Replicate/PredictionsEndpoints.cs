using Microsoft.AspNetCore.Http.Extensions;
using Microsoft.Extensions.Options;
using TicketApp.Api.Auth;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;

namespace TicketApp.Api.Facades.Replicate;

/// <summary>Predictions: made, looked at, listed and canceled.</summary>
internal static class PredictionsEndpoints
{
    // As many as the original has on a page.
    private const int PageSize = 100;

    public static RouteGroupBuilder MapPredictions(this RouteGroupBuilder replicate)
    {
        replicate.MapPost("/predictions", CreateAsync);
        replicate.MapPost("/models/{owner}/{name}/predictions", CreateAsync);
        replicate.MapGet("/predictions", ListAsync);
        replicate.MapGet("/predictions/{id}", GetAsync);
        replicate.MapPost("/predictions/{id}/cancel", CancelAsync);
        return replicate;
    }

    private static async Task<IResult> CreateAsync(
        HttpContext context, FacadeCaller caller, ModelCatalog models, PredictionReader requests, TicketSubmitter tickets,
        ILongPoll longPoll, PredictionPresenter presenter, ByteLimit bytes, CancellationToken cancellationToken)
    {
        // Of one path only; a parameter of the query would do as well where the path has none.
        var name = context.Request.RouteValues["name"] as string;
        if (name is not null && !models.TryGet(name, out _))
        {
            return ReplicateModels.NotFound();
        }

        var body = await JsonBody.ReadWithInputsAsync(context.Request, cancellationToken);
        var (ticket, problem) = requests.Read(context.Request, body, name, caller.UserId);
        if (ticket is null)
        {
            return ReplicateError.ToResult(problem!);
        }

        var submission = await tickets.SubmitAsync(ticket, caller.User);
        if (submission.Row is not { } row)
        {
            // The only thing that is not found is the user.
            return submission.Problem is { Status: StatusCodes.Status404NotFound }
                ? FacadeCaller.Refuse(context)
                : ReplicateError.ToResult(submission.Problem!);
        }

        var wait = WaitPreference.Read(context.Request.Headers[WaitPreference.Header], alone: WaitPreference.MaxSeconds);
        try
        {
            if (wait is { } seconds && await longPoll.WaitAsync(context, row, seconds, cancellationToken) is { } waited)
            {
                bytes.Take(context, waited.Bytes);
                row = waited;
            }
        }
        catch (OverloadedException)
        {
            // The prediction is there; that its caller would rather have waited is no reason to say otherwise.
        }

        if (submission.IsReplayed)
        {
            context.Response.Headers[DescribedHeaders.IdempotentReplayed] = "true";
        }

        var prediction = presenter.Show(row, ReplicateFacade.RootOf(context.Request));
        return wait is null || row.IsFinished
            ? ApiJson.Created(prediction, ReplicateJson.Default.Prediction)
            // Also if it runs: by "processing" clients of this API know one that has its output already.
            : ApiJson.WithStatus(
                StatusCodes.Status202Accepted, prediction with { Status = Prediction.Starting }, ReplicateJson.Default.Prediction);
    }

    private static async Task<IResult> GetAsync(
        string id, HttpContext context, FacadeCaller caller, TicketRecordReader tickets, PredictionPresenter presenter, ByteLimit bytes)
    {
        if (await tickets.FindAsync(id, caller.User) is not { } row)
        {
            return NotFound();
        }

        bytes.Take(context, row.Bytes);
        return ApiJson.Ok(presenter.Show(row, ReplicateFacade.RootOf(context.Request)), ReplicateJson.Default.Prediction);
    }

    private static async Task<IResult> ListAsync(
        HttpContext context, FacadeCaller caller, TicketListStore lists, CursorSeal cursors, PredictionPresenter presenter,
        ByteLimit bytes, IOptions<TicketOptions> options, CancellationToken cancellationToken)
    {
        var (query, problem) = TicketListQuery.ReadOfUser(
            caller.UserId, context.Request.Query, Math.Min(PageSize, options.Value.MaxPage), cursors);
        if (query is null)
        {
            return ReplicateError.ToResult(problem!);
        }

        var taken = bytes.Begin(context);
        var (rows, next) = await lists.ReadAsync(query, taken, cancellationToken);
        var isFirst = query.Position is null;
        var previous = isFirst ? null : await lists.PreviousAsync(query, cancellationToken);
        var root = ReplicateFacade.RootOf(context.Request);
        return ApiJson.OkInParts(
            new(
                isFirst ? null : PageUrl(context.Request, previous),
                next is null ? null : PageUrl(context.Request, next),
                [.. rows.Select(row => presenter.Show(row, root))]),
            ReplicateJson.Default.PredictionPage,
            taken.Count);
    }

    private static async Task<IResult> CancelAsync(
        string id, HttpContext context, FacadeCaller caller, TicketRecordReader tickets, TicketCanceler canceler,
        PredictionPresenter presenter, CancellationToken cancellationToken)
    {
        return await tickets.FindAsync(id, caller.User) is { } row && await canceler.CancelAsync(row, cancellationToken) is { } now
            ? ApiJson.Ok(presenter.Show(now, ReplicateFacade.RootOf(context.Request)), ReplicateJson.Default.Prediction)
            : NotFound();
    }

    /// <summary>There is no such prediction, or it is not the caller's.</summary>
    public static IResult NotFound() => ReplicateError.ToResult(
        ProblemType.TicketNotFound.With("There is no such prediction. A finished one is kept for a limited time only."));

    /// <summary>The URL of another page of the same list; without a cursor, of the first.</summary>
    private static string PageUrl(HttpRequest request, string? cursor)
    {
        QueryBuilder query = new(request.Query.Where(parameter => parameter.Key != "cursor"));
        if (cursor is not null)
        {
            query.Add("cursor", cursor);
        }

        return $"{ReplicateFacade.RootOf(request)}{ReplicateFacade.Prefix}/predictions{query}";
    }
}
