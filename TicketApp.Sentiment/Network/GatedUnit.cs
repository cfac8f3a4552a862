using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace TicketApp.Sentiment.Network;

/// <summary>A gated recurrent unit (Cho et al., 2014): it reads a passage word by word and keeps a state.</summary>
/// <param name="input">Numbers for each word.</param>
/// <param name="state">Numbers in the state.</param>
internal sealed class GatedUnit(int input, int state)
{
    public int Input => input;

    public int State => state;

    /// <summary>Columns of the gates: reset, update, candidate.</summary>
    public int Gates => 3 * state;

    /// <summary>From word to gates, <see cref="Input"/> × <see cref="Gates"/>.</summary>
    public float[] FromInput { get; } = new float[input * 3 * state];

    /// <summary>From the state before to the gates, <see cref="State"/> × <see cref="Gates"/>.</summary>
    public float[] FromState { get; } = new float[state * 3 * state];

    /// <summary>What the gates start from; then, for the candidate's share of the state before, its own.</summary>
    public float[] Bias { get; } = new float[4 * state];

    /// <summary>Reads a passage.</summary>
    /// <param name="words">The numbers of its words, in the order of reading.</param>
    /// <param name="trace">Receives the states, and what training needs to go back over them.</param>
    public void Read(ReadOnlySpan<float> words, UnitTrace trace)
    {
        var count = words.Length / input;
        var gates = trace.Gates.AsSpan(0, count * Gates);
        for (var t = 0; t < count; t++)
        {
            Bias.AsSpan(0, Gates).CopyTo(gates[(t * Gates)..]);
        }

        Kernel.AddProduct(words, count, input, FromInput, Gates, gates);
        trace.States.AsSpan(0, state).Clear();
        Span<float> fromState = stackalloc float[Gates];
        for (var t = 0; t < count; t++)
        {
            fromState[..(2 * state)].Clear();
            Bias.AsSpan(Gates).CopyTo(fromState[(2 * state)..]);
            Kernel.AddRows(trace.States.AsSpan(t * state, state), 1, state, FromState, fromState);
            fromState[(2 * state)..].CopyTo(trace.Recalled.AsSpan(t * state));
            Step(fromState, gates.Slice(t * Gates, Gates), trace.States.AsSpan(t * state, 2 * state));
        }
    }

    private void Step(ReadOnlySpan<float> fromState, Span<float> gates, Span<float> states)
    {
        ref var recalled = ref MemoryMarshal.GetReference(fromState);
        ref var gate = ref MemoryMarshal.GetReference(gates);
        ref var before = ref MemoryMarshal.GetReference(states);
        for (nuint i = 0, size = (nuint)state; i < size; i += Kernel.Lanes)
        {
            var reset = Sigmoid(Vector256.LoadUnsafe(ref gate, i) + Vector256.LoadUnsafe(ref recalled, i));
            var update = Sigmoid(Vector256.LoadUnsafe(ref gate, size + i) + Vector256.LoadUnsafe(ref recalled, size + i));
            var kept = reset * Vector256.LoadUnsafe(ref recalled, (2 * size) + i);
            var candidate = Tanh(Vector256.LoadUnsafe(ref gate, (2 * size) + i) + kept);
            reset.StoreUnsafe(ref gate, i);
            update.StoreUnsafe(ref gate, size + i);
            candidate.StoreUnsafe(ref gate, (2 * size) + i);
            (candidate + (update * (Vector256.LoadUnsafe(ref before, i) - candidate))).StoreUnsafe(ref before, size + i);
        }
    }

    private static Vector256<float> Sigmoid(Vector256<float> x) => Vector256<float>.One / (Vector256<float>.One + Vector256.Exp(-x));

    private static Vector256<float> Tanh(Vector256<float> x) => (2 * Sigmoid(2 * x)) - Vector256<float>.One;
}
