using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.OpenApi;
using TicketApp.Api.Http;

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
