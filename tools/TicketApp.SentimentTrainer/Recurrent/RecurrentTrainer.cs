using TicketApp.Sentiment.Network;
using TicketApp.Sentiment.Text;
using TicketApp.SentimentTrainer.Data;

namespace TicketApp.SentimentTrainer.Recurrent;

/// <summary>Trains one recurrent reader, always the same one from the same seed.</summary>
internal sealed class RecurrentTrainer
{
    private const int AverageEvery = 8;
    private const float AverageShare = 0.016f;

    private readonly RecurrentOptions _options;
    private readonly Vocabulary _vocabulary;
    private readonly Random _random;
    private readonly RecurrentReader _reader;
    private readonly ReaderTrace _trace;
    private readonly float[] _embeddingGradients;
    private readonly float[] _outputGradients;
    private readonly HashSet<int> _touched = [];
    private readonly UnitGradient _forward;
    private readonly UnitGradient _backward;
    private readonly Adam _embeddingSteps;
    private readonly Adam[] _steps;

    public RecurrentTrainer(RecurrentOptions options, Vocabulary vocabulary, int seed)
    {
        (_options, _vocabulary, _random) = (options, vocabulary, new Random(seed));
        Embeddings = new float[(vocabulary.Hashes.Length + 1) * options.Input];
        _reader = new RecurrentReader(options.Input, options.State);
        _trace = new ReaderTrace(Passage.Longest, options.State);
        Fill(Embeddings, 0.1f);
        var (forward, backward) = (_reader.Forward, _reader.Backward);
        foreach (var array in new[] { forward.FromInput, forward.FromState, backward.FromInput, backward.FromState, _reader.Output })
        {
            Fill(array, 1 / MathF.Sqrt(options.State));
        }

        _embeddingGradients = new float[Embeddings.Length];
        _outputGradients = new float[_reader.Output.Length];
        _forward = new UnitGradient(forward, Passage.Longest);
        _backward = new UnitGradient(backward, Passage.Longest);
        _embeddingSteps = new Adam(Embeddings, _embeddingGradients);
        _steps = [new Adam(_reader.Output, _outputGradients), .. Steps(forward, _forward.Sum), .. Steps(backward, _backward.Sum)];
    }

    /// <summary>The numbers of each word, first those of the unknown one.</summary>
    public float[] Embeddings { get; }

    public RecurrentReader Reader => _reader;

    /// <summary>Learns.</summary>
    /// <param name="examples">What to learn from.</param>
    /// <param name="progress">Called after each pass with the mean loss.</param>
    public void Train(IReadOnlyList<Example> examples, Action<int, double> progress)
    {
        var ids = examples.Select(example => Array.ConvertAll(example.Words, _vocabulary.Find)).ToArray();
        var order = Enumerable.Range(0, ids.Length).ToArray();
        var batches = (order.Length + _options.Batch - 1) / _options.Batch;
        var step = 0;
        for (var pass = 1; pass <= _options.Passes; pass++)
        {
            _random.Shuffle(order);
            var loss = 0.0;
            foreach (var batch in order.Chunk(_options.Batch))
            {
                _forward.Refresh();
                _backward.Refresh();
                foreach (var i in batch)
                {
                    loss += Learn(ids[i], examples[i].Target, 1f / batch.Length);
                }

                Step(_options.Rate * (1 - ((float)step / (batches * _options.Passes))), ++step);
            }

            progress(pass, loss / order.Length);
        }

        _embeddingSteps.UseAverage();
        Array.ForEach(_steps, steps => steps.UseAverage());
    }

    private double Learn(int[] ids, float target, float share)
    {
        var size = _options.Input;
        Span<int> seen = stackalloc int[ids.Length];
        Span<float> words = new float[ids.Length * size];
        Span<float> kept = new float[words.Length];
        Mask(kept, _options.DroppedInput);
        for (var t = 0; t < ids.Length; t++)
        {
            seen[t] = ids.Length > 1 && _random.NextSingle() < _options.DroppedWords ? Vocabulary.Unknown : ids[t];
            Embeddings.AsSpan(seen[t] * size, size).CopyTo(words[(t * size)..]);
        }

        Multiply(words, kept);
        _reader.Read(words, _trace);
        Span<float> keptOutput = stackalloc float[_trace.Pooled.Length];
        Mask(keptOutput, _options.DroppedOutput);
        Multiply(_trace.Pooled, keptOutput);
        var probability = 1 / (1 + Math.Exp(-_reader.Judge(_trace.Pooled)));
        GoBack((float)(probability - target) * share, words, kept, keptOutput, seen);
        return -(target * Math.Log(probability + 1e-9)) - ((1 - target) * Math.Log(1 - probability + 1e-9));
    }

    private void GoBack(float gradient, Span<float> words, ReadOnlySpan<float> kept, Span<float> pooled, ReadOnlySpan<int> seen)
    {
        for (var i = 0; i < pooled.Length; i++)
        {
            _outputGradients[i] += gradient * _trace.Pooled[i];
            pooled[i] *= gradient * _reader.Output[i];
        }

        _outputGradients[^1] += gradient;
        var (size, state) = (_options.Input, _options.State);
        Span<float> wordGradients = new float[words.Length];
        _backward.Add(words, _trace.Backward, _trace.Strongest.AsSpan(state), pooled[state..], wordGradients);
        _reader.Reverse(words);
        _reader.Reverse(wordGradients);
        _forward.Add(words, _trace.Forward, _trace.Strongest.AsSpan(0, state), pooled[..state], wordGradients);
        Multiply(wordGradients, kept);
        for (var t = 0; t < seen.Length; t++)
        {
            _touched.Add(seen[t]);
            Add(_embeddingGradients.AsSpan(seen[t] * size, size), wordGradients[(t * size)..]);
        }
    }

    private void Step(float rate, int step)
    {
        foreach (var row in _touched)
        {
            _embeddingSteps.Step(row * _options.Input, _options.Input, rate, step);
        }

        _touched.Clear();
        Array.ForEach(_steps, steps => steps.StepAll(rate, step));
        if (step % AverageEvery == 0)
        {
            var share = Math.Max(AverageShare, (float)AverageEvery / step);
            _embeddingSteps.Average(share);
            Array.ForEach(_steps, steps => steps.Average(share));
        }
    }

    private static Adam[] Steps(GatedUnit unit, GatedUnit gradient) =>
        [new(unit.FromInput, gradient.FromInput), new(unit.FromState, gradient.FromState), new(unit.Bias, gradient.Bias)];

    private void Fill(float[] values, float limit)
    {
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = ((_random.NextSingle() * 2) - 1) * limit;
        }
    }

    private void Mask(Span<float> kept, float dropped)
    {
        for (var i = 0; i < kept.Length; i++)
        {
            kept[i] = _random.NextSingle() < dropped ? 0 : 1 / (1 - dropped);
        }
    }

    private static void Multiply(Span<float> values, ReadOnlySpan<float> factors)
    {
        for (var i = 0; i < values.Length; i++)
        {
            values[i] *= factors[i];
        }
    }

    private static void Add(Span<float> sum, ReadOnlySpan<float> values)
    {
        for (var i = 0; i < sum.Length; i++)
        {
            sum[i] += values[i];
        }
    }
}
