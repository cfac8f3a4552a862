using System.ComponentModel.DataAnnotations;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using TicketApp.Api.Auth;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Http;
using TicketApp.Api.InputSchemas;

namespace TicketApp.Api.Tickets;

/// <summary>Many tickets in one request. Each is taken or refused by itself.</summary>
internal static class TicketBatchEndpoints
{
    // What one byte of a batch takes in memory, at most: itself, the two of its character, and those of the message to a worker and of the
    // answer, of which some characters are three and more.
    private const long BytesPerByte = 8;

    // What a ticket takes beside that until it is stored and answered.
    private const long BytesPerTicket = 4096;

    public static RouteGroupBuilder MapTicketBatch(this RouteGroupBuilder v1)
    {
        v1.MapPost("/tickets/batch", CreateAsync).Accepts<TicketBatch>("application/json").Produces<TicketBatchResult>()
            .Describe(
                "createTickets", ApiTags.Tickets, "Submit many tickets",
                "Each is taken or refused by itself: the results are in the order of the request.")
            .WithHeader(IdempotencyHeader.Name, "As for one ticket; it counts for each ticket at its place.", IdempotencyHeader.MaxKey)
            .WithRequestExample(
                """{"tickets":[{"user_id":"01a205da-a5ea-7abf-916d-5fb3315c6011"},"""
                    + """{"user_id":"01a205da-a5ea-7abf-916d-5fb3315c6011","priority":"low"}]}""")
            .WithResponseExample(
                $$"""{"results":[{"ticket":{{TicketResourceEndpoints.Example}}},{"ticket":{{TicketResourceEndpoints.Example}}}]}""")
            .WithProblems(ProblemType.TooLarge);
        return v1;
    }

    private static async Task<IResult> CreateAsync(
        HttpContext context, Caller caller, CreateTicketReader requests, TicketSubmitter tickets,
        TicketPresenter presenter, ByteLimit bytes, IOptions<TicketOptions> options, CancellationToken cancellationToken)
    {
        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = options.Value.MaxBatchBytes;
        var taken = bytes.Begin(context);
        taken.Add(BytesPerByte * Math.Min(context.Request.ContentLength ?? options.Value.MaxBatchBytes, options.Value.MaxBatchBytes));
        var (requested, problem) = await ReadAsync(context, requests, taken, options.Value, cancellationToken);
        if (requested is null)
        {
            return problem!.ToResult();
        }

        taken.Add(BytesPerTicket * requested.Length);
        var items = await Task.WhenAll(Array.ConvertAll(requested, SubmitAsync));
        return ApiJson.OkInParts(new TicketBatchResult(items), TicketJson.Default.TicketBatchResult, taken.Count);

        async Task<TicketBatchItem> SubmitAsync((NewTicket? Ticket, Problem? Problem) item)
        {
            if (item.Ticket is not { } ticket)
            {
                return new(null, item.Problem, false);
            }

            try
            {
                var submission = await tickets.SubmitAsync(ticket, caller);
                if (submission is { IsReplayed: true, Row: { } earlier })
                {
                    // Its response is not in the request.
                    taken.AddPart(earlier.Bytes);
                }

                return submission.Row is { } row
                    ? new(await presenter.ShowAsync(row, cancellationToken), null, submission.IsReplayed)
                    : new(null, submission.Problem, false);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                return new(null, TicketProblems.Of(exception), false);
            }
        }
    }

    /// <summary>Reads the batch. Its bytes are free again when its tickets are stored: then only their texts are needed.</summary>
    private static async Task<((NewTicket? Ticket, Problem? Problem)[]? Tickets, Problem? Problem)> ReadAsync(
        HttpContext context, CreateTicketReader requests, ByteLimit.TakenBytes taken, TicketOptions options,
        CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadWithInputsAsync(context.Request, cancellationToken);
        // Of a body without a length the longest was expected.
        taken.Reduce(BytesPerByte * body.Bytes.Length);
        if (body.Problem is { } unreadable)
        {
            return (null, unreadable);
        }

        if (body.Root.ValueKind != JsonValueKind.Object
            || body.Root.EnumerateObject().Count() != 1
            || !body.Root.TryGetProperty("tickets"u8, out var list)
            || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() is var count && (count == 0 || count > options.MaxBatch))
        {
            return (
                null,
                ProblemType.InvalidRequest.With(
                    $"A batch is a JSON object with one field, tickets: an array of 1 to {options.MaxBatch} tickets."));
        }

        var (key, unusable) = IdempotencyKey.Read(context.Request.Headers[IdempotencyHeader.Name], []);
        if (unusable is not null)
        {
            return (null, unusable);
        }

        BatchEffort effort = new();
        return ([.. list.EnumerateArray().Select((item, index) =>
        {
            // Checks against a schema may take long; a caller who is gone has no use for them.
            cancellationToken.ThrowIfCancellationRequested();
            var (ticket, problem) = requests.Read(item, effort);
            return (ticket is null ? null : ticket with { Key = key?.OfItem(index, JsonMarshal.GetRawUtf8Value(item)) }, problem);
        })], null);
    }
}

/// <summary>Tickets that are submitted together.</summary>
/// <param name="Tickets">Each as it would be submitted alone.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record TicketBatch([property: Required, SchemaLength(1000, Min = 1)] IReadOnlyList<CreateTicket> Tickets);

/// <summary>What became of a batch.</summary>
/// <param name="Results">One for each ticket, in the order of the request.</param>
public sealed record TicketBatchResult([property: SchemaLength(1000, Min = 1)] IReadOnlyList<TicketBatchItem> Results);

/// <summary>What became of one ticket of a batch: either the ticket or the problem.</summary>
/// <param name="Ticket">The ticket.</param>
/// <param name="Problem">The reason, if there is no ticket.</param>
/// <param name="Replayed">True if an earlier request with the same idempotency key had made it.</param>
public sealed record TicketBatchItem(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] TicketResource? Ticket,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Problem? Problem,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Replayed);
