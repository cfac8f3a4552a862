using TicketApp.Sentiment.Text;
using TicketApp.Sentiment.Weights;
using TicketApp.SentimentTrainer.Data;
using TicketApp.SentimentTrainer.Linear;
using TicketApp.SentimentTrainer.Recurrent;

namespace TicketApp.SentimentTrainer;

/// <summary>Trains all parts of the classifier and adds them up. The same corpus, recipe, seed and machine give the same weights.</summary>
/// <param name="recipe">What to train.</param>
/// <param name="progress">Takes a line for people.</param>
internal sealed class SentimentTraining(Recipe recipe, Action<string> progress)
{
    public SentimentWeights Train(Corpus corpus, int seed)
    {
        var examples = corpus.Examples(recipe.ReviewCopies, recipe.Negations);
        Vocabulary vocabulary = new([.. examples.SelectMany(example => example.Words).Distinct().Order()]);
        progress(
            $"{corpus.Sentences.Count} sentences, {corpus.Phrases.Count} phrases, {corpus.Reviews.Count} reviews, "
            + $"{vocabulary.Hashes.Length} words");

        float[] words = [], pieces = [];
        var networks = new NetworkModel[recipe.Networks];
        List<Action> parts =
        [
            .. Enumerable.Range(0, recipe.Networks)
                .Select(i => (Action)(() => networks[i] = TrainNetwork(examples, vocabulary, i + 1, seed))),
            () => words = TrainLinear("words", examples, example => example.Phrases, recipe.WordCost, seed),
            () => pieces = TrainLinear("pieces of words", examples, example => example.Pieces, recipe.PieceCost, seed),
        ];

        // Each part is the work of one thread, so that what comes out does not depend on how many there are.
        Parallel.ForEach(parts, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, part => part());
        return new Sum(recipe, vocabulary, corpus.Dev).Of(words, pieces, networks);
    }

    private float[] TrainLinear(string name, IReadOnlyList<Example> examples, Func<Example, int[]> slots, float cost, int seed)
    {
        var weights = new LinearTrainer(examples, slots, cost).Train(seed);
        progress($"linear model of {name}: done");
        return weights;
    }

    private NetworkModel TrainNetwork(IReadOnlyList<Example> examples, Vocabulary vocabulary, int number, int seed)
    {
        RecurrentTrainer trainer = new(recipe.Recurrent, vocabulary, unchecked((seed * 1000) + number));
        trainer.Train(examples, (pass, loss) => progress($"network {number}: pass {pass} of {recipe.Recurrent.Passes}, loss {loss:F4}"));
        var size = recipe.Recurrent.Input;
        var rows = trainer.Embeddings.Chunk(size).Select(row => Quantizer.Quantize(row)).ToArray();
        return new NetworkModel([.. rows.SelectMany(row => row.Steps)], [.. rows.Select(row => row.Scale)], trainer.Reader);
    }
}
