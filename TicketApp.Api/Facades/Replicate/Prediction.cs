using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;
using TicketApp.Api.Webhooks;
using TicketApp.Messaging;

namespace TicketApp.Api.Facades.Replicate;

/// <summary>A ticket as this API shows it.</summary>
internal sealed record Prediction
{
    public const string Starting = "starting";
    public const string Processing = "processing";
    public const string Succeeded = "succeeded";
    public const string Failed = "failed";
    public const string Canceled = "canceled";
    public const string Aborted = "aborted";

    public required Guid Id { get; init; }

    /// <summary>Owner and name. A model has no owner here, so that every name does as one.</summary>
    public required string Model { get; init; }

    /// <summary>The only version of a model has its name.</summary>
    public required string Version { get; init; }

    public required Payload Input { get; init; }

    public Payload? Output { get; init; }

    /// <summary>Models do not tell what they print.</summary>
    public string Logs { get; } = "";

    public string? Error { get; init; }

    public required string Status { get; init; }

    public required DateTime CreatedAt { get; init; }

    public DateTime? StartedAt { get; init; }

    public DateTime? CompletedAt { get; init; }

    /// <summary>When it is canceled, if its user said when.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTime? Deadline { get; init; }

    /// <summary>Whether input and output are left out, because they are too large for a webhook.</summary>
    public bool DataRemoved { get; init; }

    public string Source { get; } = "api";

    public required PredictionMetrics Metrics { get; init; }

    public required PredictionUrls Urls { get; init; }
}

/// <summary>How long a prediction took, in seconds.</summary>
/// <param name="PredictTime">Its last run.</param>
/// <param name="TotalTime">From its creation.</param>
internal sealed record PredictionMetrics(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? PredictTime,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? TotalTime);

/// <summary>Where to go from a prediction.</summary>
/// <param name="Get">It, as it is then.</param>
/// <param name="Cancel">Ends it, by POST.</param>
/// <param name="Stream">Its output as it grows, as server-sent events. Anyone who has this URL can read it.</param>
/// <param name="Web">It on the page.</param>
internal sealed record PredictionUrls(string Get, string Cancel, string Stream, string Web);

/// <summary>Shows tickets as predictions.</summary>
internal sealed class PredictionPresenter(CursorSeal seal)
{
    /// <summary>The owner that all models have in answers.</summary>
    public const string Owner = "ticketapp";

    private const int TokenBytes = 16;

    /// <summary>Shows a ticket.</summary>
    /// <param name="row">It.</param>
    /// <param name="root">The service as its caller knows it.</param>
    /// <param name="isTruncated">Whether its input and response are not known here.</param>
    public Prediction Show(TicketRecord row, string root, bool isTruncated = false)
    {
        var self = $"{root}{ReplicateFacade.Prefix}/predictions/{row.TicketId}";
        return new()
        {
            Id = row.TicketId,
            Model = $"{Owner}/{row.Model}",
            Version = row.Model,
            Input = row.Input ?? new("{}", IsJson: true),
            Output = row.Status == TicketStatus.Succeeded ? row.Response : null,
            Error = ErrorOf(row),
            Status = StatusOf(row),
            CreatedAt = row.Created,
            StartedAt = row.Started,
            CompletedAt = row.Finished,
            Deadline = row.DeadlineS is null ? null : row.Expires,
            DataRemoved = isTruncated,
            Metrics = new((row.Finished - row.Started)?.TotalSeconds, (row.Finished - row.Created)?.TotalSeconds),
            Urls = new(self, $"{self}/cancel", $"{self}/stream?token={TokenOf(row.TicketId)}", $"{root}/#/tickets/{row.TicketId}"),
        };
    }

    /// <summary>Whether <paramref name="token"/> is the one in the URL of that ticket's stream.</summary>
    public bool IsToken(string? token, Guid ticketId) =>
        token is not null
        && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(token), Encoding.UTF8.GetBytes(TokenOf(ticketId)));

    private string TokenOf(Guid ticketId) =>
        Base64Url.EncodeToString(seal.Derive("stream of a prediction", ticketId.ToString(), TokenBytes));

    // One that is out of time has only ended as its user wished if the user said when. The official client, which does not know "aborted",
    // would ask for ever, and would take "canceled" for a wish.
    private static string StatusOf(TicketRecord row) => row.Status switch
    {
        TicketStatus.Queued or TicketStatus.Retryable or TicketStatus.Dispatched => Prediction.Starting,
        TicketStatus.Running or TicketStatus.Canceling => Prediction.Processing,
        TicketStatus.Succeeded => Prediction.Succeeded,
        TicketStatus.Canceled => Prediction.Canceled,
        TicketStatus.TimedOut when row.DeadlineS is not null => Prediction.Canceled,
        TicketStatus.Expired when row.DeadlineS is not null => Prediction.Aborted,
        _ => Prediction.Failed,
    };

    private static string? ErrorOf(TicketRecord row) => row.Status switch
    {
        TicketStatus.Failed => row.ErrorMessage ?? "The model failed",
        TicketStatus.TimedOut => row.ErrorMessage ?? "It did not finish in time",
        TicketStatus.Expired => row.ErrorMessage ?? "It did not start in time",
        _ => null,
    };
}

/// <summary>Sends predictions in place of events to the receivers of tickets that came through this API.</summary>
internal sealed class PredictionWebhook(PredictionPresenter presenter) : IWebhookForm
{
    /// <inheritdoc cref="Name"/>
    public const string FormName = "replicate";

    public string Name => FormName;

    public byte[] Write(Delivery delivery, string context) =>
        ApiJson.Serialize(presenter.Show(delivery.Ticket, root: context, delivery.Truncated), ReplicateJson.Default.Prediction);
}
