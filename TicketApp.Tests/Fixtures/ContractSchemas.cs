using System.Text.Json;
using Json.Schema;

namespace TicketApp.Tests.Fixtures;

/// <summary>The schemas of the messages between API and workers, in docs/schemas.</summary>
internal sealed class ContractSchemas
{
    private static readonly EvaluationOptions _options = new() { OutputFormat = OutputFormat.List, RequireFormatValidation = true };

    private readonly JsonSchema _schema;

    private ContractSchemas(string name)
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, "docs", "schemas", $"{name}.json"));
        Text = JsonElement.Parse(text);
        _schema = JsonSchema.FromText(text);
    }

    public static ContractSchemas Ticket { get; } = new("ticket");

    public static ContractSchemas Report { get; } = new("report");

    /// <summary>Refers to <see cref="Report"/>.</summary>
    public static ContractSchemas Cancellation { get; } = new("cancellation");

    public static ContractSchemas Error { get; } = new("error");

    /// <summary>The schema itself.</summary>
    public JsonElement Text { get; }

    /// <summary>Why a message is not as the schema says; empty if it is.</summary>
    public IReadOnlyList<string> Defects(ReadOnlySpan<byte> message)
    {
        Utf8JsonReader reader = new(message);
        return Defects(JsonElement.ParseValue(ref reader));
    }

    /// <inheritdoc cref="Defects(ReadOnlySpan{byte})"/>
    public IReadOnlyList<string> Defects(JsonElement message)
    {
        var results = _schema.Evaluate(message, _options);
        return results.IsValid
            ? []
            :
            [
                .. from place in results.Details ?? []
                   from error in place.Errors ?? []
                   select $"{place.InstanceLocation}: {error.Value} (of {message})",
            ];
    }
}
