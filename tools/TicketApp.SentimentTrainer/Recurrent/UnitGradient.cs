using TicketApp.Sentiment.Network;

namespace TicketApp.SentimentTrainer.Recurrent;

/// <summary>Goes back over what a <see cref="GatedUnit"/> has read, and sums up how its numbers should change.</summary>
internal sealed class UnitGradient(GatedUnit unit, int longest)
{
    private readonly int _state = unit.State;
    private readonly float[] _toInput = new float[unit.FromInput.Length];
    private readonly float[] _toState = new float[unit.FromState.Length];
    private readonly float[] _gates = new float[longest * unit.Gates];
    private readonly float[] _stateGates = new float[longest * unit.Gates];

    /// <summary>The sums, in the shape of the unit.</summary>
    public GatedUnit Sum { get; } = new(unit.Input, unit.State);

    /// <summary>To be called after each change of the unit.</summary>
    public void Refresh()
    {
        Transpose(unit.FromInput, unit.Input, unit.Gates, _toInput);
        Transpose(unit.FromState, unit.State, unit.Gates, _toState);
    }

    /// <summary>Goes back over one passage.</summary>
    /// <param name="words">What the unit has read.</param>
    /// <param name="trace">What it wrote down.</param>
    /// <param name="strongest">The step at which each number of the state was pooled.</param>
    /// <param name="pooled">The gradient of the pooled numbers.</param>
    /// <param name="wordGradients">Receives that of the words, added.</param>
    public void Add(
        ReadOnlySpan<float> words, UnitTrace trace, ReadOnlySpan<int> strongest, ReadOnlySpan<float> pooled, Span<float> wordGradients)
    {
        var (count, gates) = (words.Length / unit.Input, unit.Gates);
        Span<float> state = stackalloc float[_state];
        Span<float> before = stackalloc float[_state];
        state.Clear();
        for (var t = count - 1; t >= 0; t--)
        {
            for (var i = 0; i < _state; i++)
            {
                state[i] += strongest[i] == t ? pooled[i] : 0;
            }

            Step(t, trace, state, before);
            Kernel.AddRows(_stateGates.AsSpan(t * gates, gates), 1, gates, _toState, before);
            before.CopyTo(state);
        }

        for (var i = 0; i < unit.Input; i++)
        {
            Kernel.AddRows(words[i..], unit.Input, count, _gates, Sum.FromInput.AsSpan(i * gates, gates));
        }

        for (var i = 0; i < _state; i++)
        {
            Kernel.AddRows(trace.States.AsSpan(i), _state, count, _stateGates, Sum.FromState.AsSpan(i * gates, gates));
        }

        ReadOnlySpan<float> one = [1];
        Kernel.AddRows(one, 0, count, _gates, Sum.Bias.AsSpan(0, gates));
        for (var t = 0; t < count; t++)
        {
            Kernel.AddRows(one, 0, 1, _stateGates.AsSpan((t * gates) + (2 * _state), _state), Sum.Bias.AsSpan(gates));
        }

        Kernel.AddProduct(_gates, count, gates, _toInput, unit.Input, wordGradients);
    }

    private void Step(int t, UnitTrace trace, ReadOnlySpan<float> state, Span<float> before)
    {
        var gates = trace.Gates.AsSpan(t * unit.Gates, unit.Gates);
        var mine = _gates.AsSpan(t * unit.Gates, unit.Gates);
        var stateGates = _stateGates.AsSpan(t * unit.Gates, unit.Gates);
        for (var i = 0; i < _state; i++)
        {
            var (reset, update, candidate) = (gates[i], gates[_state + i], gates[(2 * _state) + i]);
            var atCandidate = state[i] * (1 - update) * (1 - (candidate * candidate));
            var atUpdate = state[i] * (trace.States[(t * _state) + i] - candidate) * update * (1 - update);
            var atReset = atCandidate * trace.Recalled[(t * _state) + i] * reset * (1 - reset);
            (mine[i], mine[_state + i], mine[(2 * _state) + i]) = (atReset, atUpdate, atCandidate);
            (stateGates[i], stateGates[_state + i], stateGates[(2 * _state) + i]) = (atReset, atUpdate, atCandidate * reset);
            before[i] = state[i] * update;
        }
    }

    private static void Transpose(float[] matrix, int rows, int columns, float[] transposed)
    {
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
            {
                transposed[(column * rows) + row] = matrix[(row * columns) + column];
            }
        }
    }
}
