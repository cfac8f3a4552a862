using System.Text.Json.Serialization;

namespace TicketApp.Contracts;

/// <summary>The JSON form of all messages: snake_case, absent values left out, compiled serializers.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(TicketMessage))]
[JsonSerializable(typeof(IReadOnlyList<TicketMessage>))]
[JsonSerializable(typeof(WorkerReport))]
[JsonSerializable(typeof(IReadOnlyList<WorkerReport>))]
[JsonSerializable(typeof(ErrorMessage))]
[JsonSerializable(typeof(StopMessage))]
public sealed partial class ContractJson : JsonSerializerContext;
