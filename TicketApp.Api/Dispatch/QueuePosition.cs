using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.OpenApi;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;

namespace TicketApp.Api.Dispatch;

/// <summary>Where a queued ticket stands.</summary>
public sealed record QueuePosition
{
    /// <summary>Its position, from 1: the one that comes next. Exact to 1,000, and the text <c>1000+</c> further back.</summary>
    [JsonConverter(typeof(PositionConverter))]
    public required int? Position { get; init; }

    /// <summary>
    /// In how many seconds it is finished, if nothing changes; null where nothing is known of its model's runs, nobody works, its model is
    /// unavailable, its user's limit holds it up, or the position is not exact.
    /// </summary>
    public Estimate? EtaSeconds { get; init; }

    /// <summary>
    /// Why it waits: <c>no_workers</c>, <c>at_capacity</c>, <c>user_limit</c>, <c>retry_backoff</c>,
    /// <c>model_unavailable</c>, <c>paused</c> or <c>broker_down</c>; null while it is on its way to a worker.
    /// </summary>
    [AllowedValues("no_workers", "at_capacity", "user_limit", "retry_backoff", "model_unavailable", "paused", "broker_down")]
    public string? WaitReason { get; init; }
}

/// <summary>An estimate in seconds.</summary>
/// <param name="P50">Half of all such tickets take no longer.</param>
/// <param name="P90">Nine in ten take no longer.</param>
public sealed record Estimate([property: Range(0, double.MaxValue)] double P50, [property: Range(0, double.MaxValue)] double P90);

/// <summary>A position is a number, or <c>"1000+"</c> where it is not known exactly.</summary>
internal sealed class PositionConverter : JsonConverter<int?>, IDescribesSchema
{
    public const string Beyond = "1000+";

    public void Describe(OpenApiSchema schema)
    {
        schema.Type = null;
        schema.Format = null;
        schema.AnyOf =
        [
            new OpenApiSchema { Type = JsonSchemaType.Integer, Minimum = "1", Maximum = "1000" },
            new OpenApiSchema { Type = JsonSchemaType.String, Const = Beyond },
        ];
    }

    public override bool HandleNull => true;

    public override int? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.Number ? reader.GetInt32() : null;

    public override void Write(Utf8JsonWriter writer, int? value, JsonSerializerOptions options)
    {
        if (value is { } position)
        {
            writer.WriteNumberValue(position);
        }
        else
        {
            writer.WriteStringValue(Beyond);
        }
    }
}

/// <summary>Says where queued tickets stand, how long it takes, and why they wait.</summary>
internal sealed class QueuePositions(
    BacklogView backlogs,
    ModelCatalog models,
    TicketPublisher publisher,
    DispatchWindows windows,
    RunTimes runTimes,
    ConcurrencyLimit limit)
{
    // Also the error type of an attempt that waited in vain.
    private const string Unavailable = "model_unavailable";

    /// <summary>Where the ticket stands; null for one that does not wait.</summary>
    public async ValueTask<QueuePosition?> FindAsync(TicketRecord row, CancellationToken cancellationToken)
    {
        if (row.Status == TicketStatus.Retryable)
        {
            return new() { Position = null, WaitReason = row.ErrorType == Unavailable ? Unavailable : "retry_backoff" };
        }

        if (row.Status is not (TicketStatus.Queued or TicketStatus.Dispatched))
        {
            return null;
        }

        var backlog = await backlogs.GetAsync(row.Model, cancellationToken);
        var (slots, isUnavailable) = models.TryGet(row.Model, out var model) ? (model.Slots, model.IsUnavailable) : (0, false);
        var position = backlog.PositionOf(row.TicketId, row.Status == TicketStatus.Queued ? row.QueueKey : null);
        var isHeld = row.Status == TicketStatus.Queued && await limit.IsReachedAsync(row.UserId, cancellationToken);
        return new()
        {
            Position = position,
            // A ticket that its user's others hold up is passed: its position says nothing of when it comes.
            EtaSeconds = position is { } exact && !isHeld && !isUnavailable
                ? EstimateOf(exact, backlog, slots, runTimes.Of(row.Model))
                : null,
            WaitReason = ReasonOf(row, backlog, slots, isHeld, isUnavailable),
        };
    }

    private string? ReasonOf(TicketRecord row, BacklogSnapshot backlog, long slots, bool isHeld, bool isUnavailable) => row.Status switch
    {
        TicketStatus.Queued when !publisher.IsReady => "broker_down",
        TicketStatus.Queued when windows.IsPaused => "paused",
        _ when slots == 0 => "no_workers",
        _ when isHeld => "user_limit",
        _ when isUnavailable => Unavailable,
        // Under the limit of running tickets every ticket is queued first, also with workers free.
        TicketStatus.Queued when limit.IsOn && windows.Of(row.Model).Available > 0 => null,
        TicketStatus.Queued => "at_capacity",
        _ when backlog.InFlight > slots => "at_capacity",
        _ => null,
    };

    /// <summary>
    /// A run of its own, and before that as many runs must end as leave a slot free for it: in the long run one ends every
    /// median / slots. The spread of a sum of n runs is that of one divided by the root of n.
    /// </summary>
    private static Estimate? EstimateOf(int position, BacklogSnapshot backlog, long slots, ModelRunTimes runs)
    {
        if (slots == 0 || runs is not { Median: { } median, P90: { } p90 })
        {
            return null;
        }

        var running = Math.Max(0, backlog.InFlight - backlog.Dispatched);
        var before = Math.Max(0, position - Math.Max(0, slots - running));
        var wait = before * median / slots;
        var late = before > 0 ? wait + ((p90 - median) * Math.Sqrt(before) / slots) : TimeSpan.Zero;
        return new(Math.Round((wait + median).TotalSeconds, 3), Math.Round((late + p90).TotalSeconds, 3));
    }
}
