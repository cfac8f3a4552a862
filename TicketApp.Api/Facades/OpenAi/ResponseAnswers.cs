using TicketApp.Api.Auth;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;
using TicketApp.Api.Waiting;

namespace TicketApp.Api.Facades.OpenAi;

/// <summary>Answers with responses, at once, at their end, or as events.</summary>
internal sealed class ResponseAnswers(
    TicketRecordReader tickets, TicketRemover remover, AnswerWaiter waiter, ProgressReader progress, ByteLimit bytes)
{
    /// <summary>A response of the caller's.</summary>
    /// <param name="ticketId">Its ticket; null: no ticket has its id.</param>
    /// <param name="caller">Who asks.</param>
    public async Task<ResponseTicket?> FindAsync(Guid? ticketId, FacadeCaller caller) =>
        ticketId is { } id && await tickets.FindAsync(id.ToString(), caller.User) is { } row ? ResponseTicket.Of(row) : null;

    /// <summary>The response as it is.</summary>
    public IResult Show(HttpContext context, TicketRecord row)
    {
        bytes.Take(context, row.Bytes);
        return ApiJson.Ok(ResponseResource.Of(ResponseTicket.Of(row)!), OpenAiJson.Default.ResponseResource);
    }

    /// <summary>The response at its end.</summary>
    public async Task<IResult> WaitAsync(
        HttpContext context, TicketRecord row, FacadeCaller caller, bool isKeyed, CancellationToken cancellationToken)
    {
        var ended = await waiter.FollowAsync(row, caller, cancelsIfLost: !isKeyed, tell: null, cancellationToken);
        if (ended is not { IsFinished: true })
        {
            return AnswerWaiter.ErrorOf(ended).ToResult(context);
        }

        context.Response.RegisterForDispose(await bytes.TakeSoonAsync(row.UserId, ended.Bytes, cancellationToken));
        await ForgetAsync(ended);
        return ApiJson.Ok(ResponseResource.Of(ResponseTicket.Of(ended)!), OpenAiJson.Default.ResponseResource);
    }

    /// <summary>The events of a new response.</summary>
    public async Task<IResult> StreamAsync(
        HttpContext context, TicketRecord row, FacadeCaller caller, ResponseRequest request, bool isKeyed,
        CancellationToken cancellationToken)
    {
        try
        {
            var ended = await StreamAsync(context, row, caller, -1, !request.IsBackground && !isKeyed, cancellationToken);
            await ForgetAsync(ended);
            return TypedResults.Empty;
        }
        catch (OverloadedException) when (request.IsBackground && !isKeyed && !context.Response.HasStarted)
        {
            // Its caller has not heard of it.
            await waiter.AbandonAsync(row);
            throw;
        }
    }

    /// <summary>The events of a response after a number.</summary>
    public async Task<IResult> StreamAsync(
        HttpContext context, TicketRecord row, FacadeCaller caller, long after, CancellationToken cancellationToken)
    {
        await StreamAsync(context, row, caller, after, cancelsIfLost: false, cancellationToken);
        return TypedResults.Empty;
    }

    private async Task<TicketRecord?> StreamAsync(
        HttpContext context, TicketRecord row, FacadeCaller caller, long after, bool cancelsIfLost, CancellationToken cancellationToken)
    {
        EventStream stream = new(context.Response);
        stream.Begin();
        ResponseEvents events = new(stream, progress, bytes, after);
        var latest = await waiter.FollowAsync(
            row, caller, cancelsIfLost, now => events.TellAsync(now, cancellationToken), cancellationToken);
        if (latest is not { IsFinished: true })
        {
            await events.FailAsync(AnswerWaiter.ErrorOf(latest), cancellationToken);
        }

        return latest;
    }

    /// <summary>Removes a response that was answered, if it was not to be stored.</summary>
    private async Task ForgetAsync(TicketRecord? ended)
    {
        if (ended is { IsFinished: true } && !ResponseTicket.Of(ended)!.IsStored)
        {
            await remover.DeleteAsync(ended.TicketId, CancellationToken.None);
        }
    }
}
