using TicketApp.Api.Auth;
using TicketApp.Api.Http;
using TicketApp.Api.Tickets;
using TicketApp.Api.Waiting;

namespace TicketApp.Api.Facades.OpenAi;

/// <summary>Chat completions: a request waits for its ticket, or has the answer streamed.</summary>
internal static class CompletionsEndpoints
{
    public static void MapCompletions(this RouteGroupBuilder openAi) => openAi.MapPost("/chat/completions", CreateAsync);

    private static async Task<IResult> CreateAsync(
        HttpContext context, FacadeCaller caller, OpenAiTickets tickets, TicketRemover remover, AnswerWaiter waiter,
        ProgressReader progress, ByteLimit bytes, CancellationToken cancellationToken)
    {
        var (fields, body, unreadable) = await OpenAiTickets.ReadAsync(context.Request, cancellationToken);
        if (fields is null)
        {
            return unreadable!;
        }

        if (CompletionRequest.Read(fields) is not { } request)
        {
            return fields.Error!.ToResult();
        }

        var (row, isKeyed, refusal) = await tickets.SubmitAsync(
            context, caller, body, new(request.Model, request.ToInput(), ChatInput.Messages, request.Priority));
        if (row is null)
        {
            return refusal!;
        }

        CompletionEvents? events = null;
        if (request.IsStream)
        {
            EventStream stream = new(context.Response);
            stream.Begin();
            events = new(stream, progress, bytes, request.IncludesUsage);
        }

        var ended = await waiter.FollowAsync(
            row, caller, cancelsIfLost: !isKeyed, events is null ? null : now => events.TellAsync(now, cancellationToken),
            cancellationToken);
        if (ended is not { IsFinished: true })
        {
            var error = AnswerWaiter.ErrorOf(ended);
            if (events is null)
            {
                return error.ToResult(context);
            }

            await events.FailAsync(error, cancellationToken);
            return TypedResults.Empty;
        }

        if (events is null)
        {
            context.Response.RegisterForDispose(await bytes.TakeSoonAsync(row.UserId, ended.Bytes, cancellationToken));
        }

        if (!request.IsStored)
        {
            await remover.DeleteAsync(row.TicketId, CancellationToken.None);
        }

        return events is not null ? TypedResults.Empty
            : ChatAnswer.Of(ended) is { } answer
                ? ApiJson.Ok(CompletionResource.Of(ended, answer, request.Metadata), OpenAiJson.Default.CompletionResource)
                : CompletionResource.ErrorOf(ended).ToFinalResult(context);
    }
}
