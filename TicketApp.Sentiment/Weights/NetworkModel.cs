using TicketApp.Sentiment.Network;

namespace TicketApp.Sentiment.Weights;

/// <summary>A recurrent reader and the words it knows.</summary>
/// <param name="words">The numbers of each word, in bytes; first those of the unknown one.</param>
/// <param name="scales">For each word, what one step of a byte is worth.</param>
/// <param name="reader">The reader.</param>
internal sealed class NetworkModel(sbyte[] words, float[] scales, RecurrentReader reader)
{
    public ReadOnlySpan<sbyte> Words => words;

    public ReadOnlySpan<float> Scales => scales;

    public RecurrentReader Reader => reader;

    /// <summary>Its share of the logarithm of the odds.</summary>
    public double Judge(ReadOnlySpan<int> ids, float[] numbers, ReaderTrace trace)
    {
        var size = reader.Forward.Input;
        for (var t = 0; t < ids.Length; t++)
        {
            var row = words.AsSpan(ids[t] * size, size);
            var scale = scales[ids[t]];
            for (var i = 0; i < size; i++)
            {
                numbers[(t * size) + i] = row[i] * scale;
            }
        }

        reader.Read(numbers.AsSpan(0, ids.Length * size), trace);
        return reader.Judge(trace.Pooled);
    }
}
