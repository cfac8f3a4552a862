namespace TicketApp.SentimentTrainer;

/// <summary>Keeps numbers in bytes.</summary>
internal static class Quantizer
{
    /// <summary>Rounds numbers to steps, of which the largest is 127.</summary>
    /// <returns>The steps, and what one is worth.</returns>
    public static (sbyte[] Steps, float Scale) Quantize(ReadOnlySpan<float> values)
    {
        var largest = 0f;
        foreach (var value in values)
        {
            largest = Math.Max(largest, Math.Abs(value));
        }

        var scale = largest == 0 ? 1 : largest / sbyte.MaxValue;
        var steps = new sbyte[values.Length];
        for (var i = 0; i < steps.Length; i++)
        {
            steps[i] = (sbyte)MathF.Round(values[i] / scale);
        }

        return (steps, scale);
    }
}
