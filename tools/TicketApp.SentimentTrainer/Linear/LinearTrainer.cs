using TicketApp.Sentiment.Text;
using TicketApp.SentimentTrainer.Data;

namespace TicketApp.SentimentTrainer.Linear;

/// <summary>
/// A support vector machine over naive Bayes log-count ratios (Wang and Manning, 2012), by dual coordinate descent
/// (Hsieh et al., 2008, squared hinge loss).
/// </summary>
/// <param name="examples">What to learn from; neutral ones are passed over.</param>
/// <param name="slots">Which slots of an example to look at.</param>
/// <param name="cost">How much an error counts against small weights.</param>
internal sealed class LinearTrainer(IReadOnlyList<Example> examples, Func<Example, int[]> slots, float cost)
{
    private const int Passes = 15;
    private const double Smoothing = 1;

    private readonly Example[] _examples = [.. examples.Where(example => example.IsJudged)];

    /// <summary>Learns.</summary>
    /// <returns>A weight for each slot.</returns>
    public float[] Train(int seed)
    {
        var ratios = Ratios();
        var weights = new float[Features.Slots];
        var rows = Array.ConvertAll(_examples, example => Row(slots(example), ratios));
        var norms = Array.ConvertAll(rows, row => 1 + row.Values.Sum(value => value * value));
        var bias = 0f;
        var alphas = new float[rows.Length];
        var order = Enumerable.Range(0, rows.Length).ToArray();
        Random random = new(seed);
        var slack = 1 / (2 * cost);
        for (var pass = 0; pass < Passes; pass++)
        {
            random.Shuffle(order);
            foreach (var i in order)
            {
                var sign = _examples[i].Target > 0.5f ? 1f : -1f;
                var gradient = (sign * (rows[i].Times(weights) + bias)) - 1 + (alphas[i] * slack);
                var alpha = Math.Max(0, alphas[i] - (gradient / (norms[i] + slack)));
                rows[i].AddTo(weights, (alpha - alphas[i]) * sign);
                bias += (alpha - alphas[i]) * sign;
                alphas[i] = alpha;
            }
        }

        for (var slot = 0; slot < weights.Length; slot++)
        {
            weights[slot] *= ratios[slot];
        }

        return weights;
    }

    private float[] Ratios()
    {
        var positive = new double[Features.Slots];
        var negative = new double[Features.Slots];
        foreach (var example in _examples)
        {
            foreach (var slot in slots(example).Distinct())
            {
                // A word that is turned round says of its class what it would say of the other one.
                ((example.Target > 0.5f) == (slot >= 0) ? positive : negative)[Math.Max(slot, ~slot)]++;
            }
        }

        var used = Enumerable.Range(0, Features.Slots).Where(slot => positive[slot] + negative[slot] > 0).ToArray();
        var offset = Math.Log((negative.Sum() + (Smoothing * used.Length)) / (positive.Sum() + (Smoothing * used.Length)));
        var ratios = new float[Features.Slots];
        foreach (var slot in used)
        {
            ratios[slot] = (float)(Math.Log((positive[slot] + Smoothing) / (negative[slot] + Smoothing)) + offset);
        }

        return ratios;
    }

    private static SparseRow Row(int[] slots, float[] ratios)
    {
        var counts = slots
            .AggregateBy(slot => Math.Max(slot, ~slot), 0, (sum, slot) => slot >= 0 ? sum + 1 : sum - 1)
            .OrderBy(pair => pair.Key)
            .ToArray();
        return new SparseRow(Array.ConvertAll(counts, pair => pair.Key), Array.ConvertAll(counts, pair => pair.Value * ratios[pair.Key]));
    }
}
