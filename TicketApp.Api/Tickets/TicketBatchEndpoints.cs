using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using TicketApp.Api.Access;
using TicketApp.Api.Idempotency;
using TicketApp.Api.OpenApi;
using TicketApp.Api.Problems;

namespace TicketApp.Api.Tickets;

/// <summary>Many tickets in one request. Each is taken or refused by itself.</summary>
internal static class TicketBatchEndpoints
{
    public static RouteGroupBuilder MapTicketBatch(this RouteGroupBuilder v1)
    {
        v1.MapPost("/tickets/batch", CreateAsync).Accepts<TicketBatch>("application/json").Produces<TicketBatchResult>()
            .WithSummary("Submit many tickets")
            .WithDescription("Each is taken or refused by itself: the results are in the order of the request.")
            .WithHeader(IdempotencyKey.Header, "As for one ticket; it counts for each ticket at its place.")
            .WithRequestExample("""{"tickets":[{"user_id":"01a205da-a5ea-7abf-916d-5fb3315c6011"},{"user_id":"01a205da-a5ea-7abf-916d-5fb3315c6011","priority":"low"}]}""")
            .WithProblems(ProblemType.InvalidRequest, ProblemType.TooLarge, ProblemType.NotJson);
        return v1;
    }

    private static async Task<Utf8ContentHttpResult> CreateAsync(
        HttpContext context, Caller caller, CreateTicketReader requests, TicketSubmitter tickets, TicketPresenter presenter, IOptions<TicketOptions> options, CancellationToken cancellationToken)
    {
        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = options.Value.LargestBatchBody;
        var body = await JsonBody.ReadAsync(context.Request, cancellationToken);
        if (body.Problem is { } unreadable)
        {
            return unreadable.ToResult();
        }

        if (body.Root.ValueKind != JsonValueKind.Object || body.Root.EnumerateObject().Count() != 1 || !body.Root.TryGetProperty("tickets"u8, out var list)
            || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() is var count && (count == 0 || count > options.Value.LargestBatch))
        {
            return ProblemType.InvalidRequest.With($"A batch is a JSON object with one field, tickets: an array of 1 to {options.Value.LargestBatch} tickets.").ToResult();
        }

        var (key, unusable) = IdempotencyKey.Read(context.Request.Headers[IdempotencyKey.Header], []);
        if (unusable is not null)
        {
            return unusable.ToResult();
        }

        var items = await Task.WhenAll(list.EnumerateArray().Select((item, index) => SubmitAsync(item, index)));
        return ApiJson.Ok(new TicketBatchResult(items), ApiJson.Default.TicketBatchResult);

        async Task<TicketBatchItem> SubmitAsync(JsonElement item, int index)
        {
            var (ticket, problem) = requests.Read(item);
            if (ticket is null)
            {
                return new(null, problem, false);
            }

            try
            {
                var submission = await tickets.SubmitAsync(ticket with { Key = key?.OfItem(index, Encoding.UTF8.GetBytes(item.GetRawText())) }, caller);
                return submission.Row is { } row
                    ? new(await presenter.ShowAsync(row, cancellationToken), null, submission.IsReplayed)
                    : new(null, submission.Problem, false);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                return new(null, ProblemAnswers.OfException(exception), false);
            }
        }
    }
}
