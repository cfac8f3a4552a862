using TicketApp.Sentiment.Network;
using TicketApp.Sentiment.Text;
using TicketApp.Sentiment.Weights;
using TicketApp.SentimentTrainer.Data;

namespace TicketApp.SentimentTrainer;

/// <summary>
/// Puts the parts on one scale, adds them up, and makes probabilities of the sum. That takes the texts for choosing, but only four
/// spreads and a line through 872 points are taken from them.
/// </summary>
internal sealed class Sum(Recipe recipe, Vocabulary vocabulary, IReadOnlyList<LabelledText> dev)
{
    private const int Steps = 50;

    private readonly Example[] _examples =
        [.. dev.Select(line => Example.Of(line.Text, line.Positive ? 1 : 0, vocabulary)).OfType<Example>()];

    public SentimentWeights Of(float[] words, float[] pieces, IReadOnlyList<NetworkModel> networks)
    {
        var ofWords = Array.ConvertAll(_examples, example => Judge(words, example.Phrases));
        var ofPieces = Array.ConvertAll(_examples, example => Judge(pieces, example.Pieces));
        var ofNetworks = networks.Select(network => Array.ConvertAll(_examples, example => Judge(network, example))).ToArray();

        var share = recipe.LinearShare * networks.Count / 2;
        var (wordFactor, pieceFactor) = (share / Spread(ofWords), share / Spread(ofPieces));
        var factors = ofNetworks.Select(judged => 1 / Spread(judged)).ToArray();
        var sums = Enumerable.Range(0, _examples.Length)
            .Select(i =>
                (ofWords[i] * wordFactor) + (ofPieces[i] * pieceFactor) + ofNetworks.Select((judged, n) => judged[i] * factors[n]).Sum())
            .ToArray();
        var (scale, bias) = FitLogistic(sums);

        var linear = words.Zip(pieces, (word, piece) => (float)(scale * ((word * wordFactor) + (piece * pieceFactor))));
        var (steps, step) = Quantizer.Quantize([.. linear]);
        for (var n = 0; n < networks.Count; n++)
        {
            var output = networks[n].Reader.Output;
            for (var i = 0; i < output.Length; i++)
            {
                output[i] *= (float)(scale * factors[n]);
            }
        }

        return new SentimentWeights(Recipe.Version, vocabulary, (float)bias, new LinearModel(steps, step), networks);
    }

    private static double Judge(float[] weights, int[] slots) =>
        slots.Sum(slot => slot >= 0 ? (double)weights[slot] : -weights[~slot]);

    private double Judge(NetworkModel network, Example example)
    {
        var reader = network.Reader;
        var ids = Array.ConvertAll(example.Words, vocabulary.Find);
        return network.Judge(ids, new float[ids.Length * reader.Forward.Input], new ReaderTrace(ids.Length, reader.Forward.State));
    }

    private static double Spread(double[] values)
    {
        var mean = values.DefaultIfEmpty().Average();
        var spread = Math.Sqrt(values.Select(value => (value - mean) * (value - mean)).DefaultIfEmpty().Average());
        return spread > 0 ? spread : 1;
    }

    /// <summary>
    /// The line from sums to the logarithms of odds that makes the labels likeliest, by Newton's method; slightly drawn to zero, from where
    /// it starts: far out the method runs away.
    /// </summary>
    private (double Scale, double Bias) FitLogistic(double[] sums)
    {
        var (scale, bias) = (0.0, 0.0);
        for (var step = 0; step < Steps; step++)
        {
            var (atScale, atBias) = (scale, bias);
            var (scaleScale, scaleBias, biasBias) = (1.0, 0.0, 1.0);
            for (var i = 0; i < sums.Length; i++)
            {
                var probability = 1 / (1 + Math.Exp(-((scale * sums[i]) + bias)));
                var (error, weight) = (probability - _examples[i].Target, probability * (1 - probability));
                (atScale, atBias) = (atScale + (error * sums[i]), atBias + error);
                scaleScale += weight * sums[i] * sums[i];
                scaleBias += weight * sums[i];
                biasBias += weight;
            }

            var determinant = (scaleScale * biasBias) - (scaleBias * scaleBias);
            scale -= ((biasBias * atScale) - (scaleBias * atBias)) / determinant;
            bias -= ((scaleScale * atBias) - (scaleBias * atScale)) / determinant;
        }

        return (scale, bias);
    }
}
