using System.Text.Json;
using System.Text.Json.Serialization;

namespace TicketApp.Worker.Models;

/// <summary>What a ticket may ask of the simulated model: <c>{"seed":1}</c>. Any other text is a plain input and changes nothing.</summary>
internal sealed record SimulatedInput
{
    private const double MaxSeconds = 86_400;

    /// <summary>The same seed gives the same answer and the same share of the range of run times.</summary>
    public int? Seed { get; init; }

    /// <summary>How long to run, in place of a random time.</summary>
    public double? Seconds { get; init; }

    /// <summary>Fails each attempt with this message, when its time is over.</summary>
    public string? Fail { get; init; }

    /// <summary>Reports how far it is.</summary>
    public bool Progress { get; init; }

    public static SimulatedInput Parse(string? text)
    {
        if (text?.StartsWith('{') != true)
        {
            return new();
        }

        try
        {
            var input = JsonSerializer.Deserialize(text, SimulatedInputJson.Default.SimulatedInput) ?? new();
            return input with { Seconds = input.Seconds is { } seconds ? Math.Clamp(seconds, 0, MaxSeconds) : null };
        }
        catch (JsonException)
        {
            return new();
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(SimulatedInput))]
internal sealed partial class SimulatedInputJson : JsonSerializerContext;
