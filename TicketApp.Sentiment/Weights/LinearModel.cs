using TicketApp.Sentiment.Text;

namespace TicketApp.Sentiment.Weights;

/// <summary>A weight for each slot, in a byte.</summary>
/// <param name="weights">The weights, one a slot.</param>
/// <param name="scale">What one step of a byte is worth.</param>
internal sealed class LinearModel(sbyte[] weights, float scale)
{
    public ReadOnlySpan<sbyte> Weights => weights;

    public float Scale => scale;

    /// <summary>Its share of the logarithm of the odds.</summary>
    public double Judge(Passage passage, Span<int> slots)
    {
        var sum = Sum(slots[..Features.Words(passage, slots)]);
        return (sum + Sum(slots[..Features.Pieces(passage, slots)])) * (double)scale;
    }

    private long Sum(ReadOnlySpan<int> slots)
    {
        var sum = 0L;
        foreach (var slot in slots)
        {
            sum += slot >= 0 ? weights[slot] : -weights[~slot];
        }

        return sum;
    }
}
