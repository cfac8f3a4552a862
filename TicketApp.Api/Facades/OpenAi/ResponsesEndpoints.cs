using System.Globalization;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;

namespace TicketApp.Api.Facades.OpenAi;

/// <summary>The Responses API: each response is a ticket.</summary>
internal static class ResponsesEndpoints
{
    private const string PreviousResponse = "previous_response_id";
    private const string StartingAfter = "starting_after";

    public static void MapResponses(this RouteGroupBuilder openAi)
    {
        openAi.MapPost("/responses", CreateAsync);
        openAi.MapGet("/responses/{id}", GetAsync);
        openAi.MapPost("/responses/{id}/cancel", CancelAsync);
        openAi.MapDelete("/responses/{id}", DeleteAsync);
    }

    private static async Task<IResult> CreateAsync(
        HttpContext context, FacadeCaller caller, OpenAiTickets tickets, ResponseAnswers answers, CancellationToken cancellationToken)
    {
        var (fields, body, unreadable) = await OpenAiTickets.ReadAsync(context.Request, cancellationToken);
        if (fields is null)
        {
            return unreadable!;
        }

        if (ResponseRequest.Read(fields) is not { } request)
        {
            return fields.Error!.ToResult();
        }

        TicketRecord? previous = null;
        if (request.PreviousTicketId is { } previousId)
        {
            previous = (await answers.FindAsync(previousId, caller))?.Row;
            if (previous is not { Status: TicketStatus.Succeeded })
            {
                return OpenAiError.Invalid(
                    PreviousResponse, previous is null ? "previous_response_not_found" : "previous_response_not_completed",
                    $"The response that '{PreviousResponse}' names {(previous is null ? "does not exist" : "has no answer")}.").ToResult();
            }
        }

        var (row, isKeyed, refusal) = await tickets.SubmitAsync(
            context, caller, body, new(request.Model, request.ToInput(previous), "input", request.Priority));
        return row is null ? refusal!
            : request.IsStream ? await answers.StreamAsync(context, row, caller, request, isKeyed, cancellationToken)
            : request.IsBackground ? answers.Show(context, row)
            : await answers.WaitAsync(context, row, caller, isKeyed, cancellationToken);
    }

    private static async Task<IResult> GetAsync(
        string id, HttpContext context, FacadeCaller caller, ResponseAnswers answers, CancellationToken cancellationToken)
    {
        if (await answers.FindAsync(OpenAiIds.TicketOf(id), caller) is not { Row: var row })
        {
            return NotFound(id);
        }

        var query = context.Request.Query;
        switch (query["stream"].ToString())
        {
            case "true" when query[StartingAfter].ToString() is { Length: > 0 } text:
                return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var after)
                    && ResponseEvents.IsNumberOf(after, row)
                        ? await answers.StreamAsync(context, row, caller, after, cancellationToken)
                        : Invalid(StartingAfter, "the 'sequence_number' of an event of this response");
            case "true":
                return await answers.StreamAsync(context, row, caller, after: -1, cancellationToken);
            case "" or "false" when !query.ContainsKey(StartingAfter):
                return answers.Show(context, row);
            case "" or "false":
                return Invalid(StartingAfter, "nothing, without 'stream'");
            default:
                return Invalid("stream", "true or false");
        }
    }

    private static async Task<IResult> CancelAsync(
        string id, HttpContext context, FacadeCaller caller, ResponseAnswers answers, AnswerWaiter waiter,
        CancellationToken cancellationToken)
    {
        if (await answers.FindAsync(OpenAiIds.TicketOf(id), caller) is not { } response)
        {
            return NotFound(id);
        }

        if (response.Row.IsFinished)
        {
            return answers.Show(context, response.Row);
        }

        if (!response.IsBackground)
        {
            return OpenAiError.Invalid(
                null, "not_in_background", "Only a response in the background can be canceled. Close the request of this one.").ToResult();
        }

        return await waiter.CancelAsync(response.Row, cancellationToken) is { } row ? answers.Show(context, row) : NotFound(id);
    }

    private static async Task<IResult> DeleteAsync(
        string id, FacadeCaller caller, ResponseAnswers answers, TicketRemover remover, CancellationToken cancellationToken)
    {
        if (await answers.FindAsync(OpenAiIds.TicketOf(id), caller) is not { Row.TicketId: var ticketId })
        {
            return NotFound(id);
        }

        return await remover.DeleteAsync(ticketId, cancellationToken) switch
        {
            Deletion.Deleted => ApiJson.Ok(new(id), OpenAiJson.Default.DeletedResponse),
            Deletion.NotFinished => OpenAiError.Invalid(
                null, "response_not_finished", "The response has not ended. Cancel it first, with POST /responses/{id}/cancel.").ToResult(),
            _ => NotFound(id),
        };
    }

    private static IResult Invalid(string parameter, string expected) =>
        OpenAiError.Invalid(parameter, "invalid_value", $"Invalid value for '{parameter}': expected {expected}.").ToResult();

    private static IResult NotFound(string id) =>
        OpenAiError.NotFound($"Response with id '{(id.Length <= 100 ? id : id[..100])}' not found.").ToResult();
}
