using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;
using TicketApp.Messaging;

namespace TicketApp.Api.Tickets;

/// <summary>A ticket as the resource API shows it.</summary>
public sealed record TicketResource
{
    // A worker may say more of its answer than fits the usual depth.
    private static readonly JsonDocumentOptions _details = new() { MaxDepth = JsonBody.MaxDepthWithInputs };

    public required Guid Id { get; init; }

    public required Guid UserId { get; init; }

    /// <summary>
    /// <c>queued</c>, <c>running</c>, <c>canceling</c>; at the end <c>succeeded</c>, <c>failed</c>, <c>timed_out</c>, <c>expired</c> or
    /// <c>canceled</c>.
    /// </summary>
    [AllowedValues("queued", "running", "canceling", "succeeded", "failed", "timed_out", "expired", "canceled")]
    public required string Status { get; init; }

    /// <summary>The model that answers it.</summary>
    public required string Model { get; init; }

    /// <summary>What the model is asked: text, or any other JSON value.</summary>
    public Payload? Input { get; init; }

    public required DateTime CreatedAt { get; init; }

    /// <summary>When its latest run began; null until it is known to run.</summary>
    public DateTime? StartedAt { get; init; }

    public DateTime? FinishedAt { get; init; }

    /// <summary>When it is removed; null until it has finished, and where tickets are kept for ever.</summary>
    public DateTime? PurgeAt { get; init; }

    /// <summary>When it ends unanswered.</summary>
    public required DateTime ExpiresAt { get; init; }

    /// <summary>What the model answered, text or any other JSON value; set exactly once it has succeeded.</summary>
    public Payload? Response { get; init; }

    /// <summary>What the model said beside it, for example <c>{"probability":0.97}</c>; its members are the model's own.</summary>
    public JsonElement? ResponseDetails { get; init; }

    /// <summary>Why it ended without a response.</summary>
    public TicketError? Error { get; init; }

    /// <summary>How many attempts were made, the current one included.</summary>
    [Range(0, int.MaxValue)]
    public required int Attempt { get; init; }

    /// <summary>How many attempts there may be.</summary>
    [Range(1, int.MaxValue)]
    public required int MaxAttempts { get; init; }

    /// <summary><c>low</c>, <c>normal</c> or <c>high</c>.</summary>
    [AllowedValues("low", "normal", "high")]
    public required string Priority { get; init; }

    /// <summary>Where it stands, while it waits.</summary>
    public QueuePosition? Queue { get; init; }

    public required TicketUrls Urls { get; init; }

    internal static TicketResource Of(TicketRecord row, RetentionOptions retention)
    {
        var self = $"{ResourceApi.Prefix}/tickets/{row.TicketId}";
        var ended = row.IsFinished && row.Status != TicketStatus.Succeeded;
        return new()
        {
            Id = row.TicketId,
            UserId = row.UserId,
            Status = TicketStatusNames.PublicOf(row.Status),
            Model = row.Model,
            Input = row.Input,
            CreatedAt = row.Created,
            StartedAt = row.Started,
            FinishedAt = row.Finished,
            PurgeAt = retention.PurgeAt(row.Finished),
            ExpiresAt = row.Expires,
            Response = row.Status == TicketStatus.Succeeded ? row.Response : null,
            ResponseDetails = row is { Status: TicketStatus.Succeeded, ResponseDetails: { } details }
                ? JsonElement.Parse(details, _details)
                : null,
            Error = ended && row.ErrorType is { } type ? new(type, row.ErrorMessage ?? "") : null,
            Attempt = row.Attempt,
            MaxAttempts = row.MaxAttempts,
            Priority = TicketPriorityNames.Of(row.Priority),
            Urls = new(self, $"{self}/cancel", $"{self}/events"),
        };
    }
}

/// <summary>Why a ticket ended without a response.</summary>
/// <param name="Type">A stable word, for example <c>model_error</c>.</param>
/// <param name="Message">What happened, in words.</param>
public sealed record TicketError(string Type, string Message);

/// <summary>Where to go from a ticket.</summary>
/// <param name="Self">The ticket.</param>
/// <param name="Cancel">Ends it, by POST.</param>
/// <param name="Events">What happens to it, as server-sent events.</param>
public sealed record TicketUrls(
    [property: SchemaFormat("uri-reference")] string Self,
    [property: SchemaFormat("uri-reference")] string Cancel,
    [property: SchemaFormat("uri-reference")] string Events);

/// <summary>The compiled serializers of this folder.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    // Of a ticket's own fields: bodies with inputs are read with all names.
    AllowDuplicateProperties = false,
    MaxDepth = JsonBody.MaxDepthWithInputs)]
[JsonSerializable(typeof(TicketCreated))]
[JsonSerializable(typeof(TicketAnswer))]
[JsonSerializable(typeof(CreateTicket))]
[JsonSerializable(typeof(TicketResource))]
[JsonSerializable(typeof(TicketPage))]
[JsonSerializable(typeof(TicketBatch))]
[JsonSerializable(typeof(TicketBatchResult))]
[JsonSerializable(typeof(TicketChanges))]
internal sealed partial class TicketJson : JsonSerializerContext;

/// <summary>Shows tickets the way of the resource API, those that wait with their place.</summary>
internal sealed class TicketPresenter(QueuePositions places, IOptions<RetentionOptions> retention)
{
    public async ValueTask<TicketResource> ShowAsync(TicketRecord row, CancellationToken cancellationToken) =>
        TicketResource.Of(row, retention.Value) with { Queue = await places.FindAsync(row, cancellationToken) };

    public async ValueTask<IReadOnlyList<TicketResource>> ShowAsync(IReadOnlyList<TicketRecord> rows, CancellationToken cancellationToken)
    {
        List<TicketResource> tickets = new(rows.Count);
        foreach (var row in rows)
        {
            tickets.Add(await ShowAsync(row, cancellationToken));
        }

        return tickets;
    }
}
