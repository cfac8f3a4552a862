using TicketApp.Sentiment;
using TicketApp.SentimentTrainer.Data;

namespace TicketApp.SentimentTrainer.Evaluation;

/// <summary>Measures the recipe on training sentences that it has not seen, with their phrases left out as well.</summary>
internal static class CrossValidation
{
    public static void Run(SentimentTraining training, Corpus corpus, int seed, int folds, Action<string> say)
    {
        var (sum, devSum) = (0.0, 0.0);
        for (var fold = 0; fold < folds; fold++)
        {
            var (kept, held) = corpus.Without(fold, folds);
            SentimentClassifier classifier = new(training.Train(kept, seed));
            var (accuracy, onDev) = (Accuracy.Of(classifier, held, text => text), Accuracy.Of(classifier, corpus.Dev, text => text));
            say($"part {fold + 1} of {folds}: {accuracy:P2} of {held.Count}; dev {onDev:P2}");
            (sum, devSum) = (sum + accuracy, devSum + onDev);
        }

        say($"mean: {sum / folds:P2}; dev {devSum / folds:P2}");
    }
}
