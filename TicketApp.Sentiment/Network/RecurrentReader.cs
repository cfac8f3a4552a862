namespace TicketApp.Sentiment.Network;

/// <summary>Two gated units, one for each direction; the strongest answer of each number of their states is weighed.</summary>
/// <param name="input">Numbers for each word.</param>
/// <param name="state">Numbers in the state of each unit.</param>
internal sealed class RecurrentReader(int input, int state)
{
    public GatedUnit Forward { get; } = new(input, state);

    public GatedUnit Backward { get; } = new(input, state);

    /// <summary>The weights of the pooled states, first those of the unit that reads forward; then the bias.</summary>
    public float[] Output { get; } = new float[(2 * state) + 1];

    /// <summary>Reads a passage both ways and pools the states.</summary>
    /// <param name="words">The numbers of its words; afterwards in reverse order.</param>
    /// <param name="trace">Memory to use.</param>
    public void Read(Span<float> words, ReaderTrace trace)
    {
        Forward.Read(words, trace.Forward);
        Reverse(words);
        Backward.Read(words, trace.Backward);
        var count = words.Length / input;
        Pool(trace.Forward.States, count, trace.Pooled.AsSpan(0, state), trace.Strongest.AsSpan(0, state));
        Pool(trace.Backward.States, count, trace.Pooled.AsSpan(state), trace.Strongest.AsSpan(state));
    }

    /// <summary>The logarithm of the odds that the passage is positive.</summary>
    public float Judge(ReadOnlySpan<float> pooled)
    {
        var sum = Output[^1];
        for (var i = 0; i < pooled.Length; i++)
        {
            sum += Output[i] * pooled[i];
        }

        return sum;
    }

    /// <summary>Turns the order of the words round.</summary>
    public void Reverse(Span<float> words)
    {
        Span<float> word = stackalloc float[input];
        for (int first = 0, last = words.Length - input; first < last; first += input, last -= input)
        {
            words.Slice(first, input).CopyTo(word);
            words.Slice(last, input).CopyTo(words[first..]);
            word.CopyTo(words[last..]);
        }
    }

    private static void Pool(ReadOnlySpan<float> states, int count, Span<float> pooled, Span<int> strongest)
    {
        states.Slice(pooled.Length, pooled.Length).CopyTo(pooled);
        strongest.Clear();
        for (var t = 1; t < count; t++)
        {
            var now = states.Slice((t + 1) * pooled.Length, pooled.Length);
            for (var i = 0; i < pooled.Length; i++)
            {
                if (now[i] > pooled[i])
                {
                    pooled[i] = now[i];
                    strongest[i] = t;
                }
            }
        }
    }
}
