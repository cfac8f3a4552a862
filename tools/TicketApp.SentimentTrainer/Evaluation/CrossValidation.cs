using TicketApp.Sentiment;
using TicketApp.SentimentTrainer.Data;

namespace TicketApp.SentimentTrainer.Evaluation;

/// <summary>Measures the recipe on training sentences that it has not seen, with their phrases left out as well.</summary>
internal static class CrossValidation
{
    public static void Run(SentimentTraining training, Corpus corpus, int seed, int folds, Action<string> say)
    {
        var (sum, reviewSum, devSum) = (0.0, 0.0, 0.0);
        for (var fold = 0; fold < folds; fold++)
        {
            var (kept, held, heldReviews) = corpus.Without(fold, folds);
            SentimentClassifier classifier = new(training.Train(kept, seed));
            var onHeld = Accuracy.Of(classifier, held, text => text);
            var onReviews = Accuracy.Of(classifier, heldReviews, text => text);
            var onDev = Accuracy.Of(classifier, corpus.Dev, text => text);
            say($"part {fold + 1} of {folds}: {onHeld:P2} of {held.Count}; reviews {onReviews:P2} of {heldReviews.Count}; dev {onDev:P2}");
            (sum, reviewSum, devSum) = (sum + onHeld, reviewSum + onReviews, devSum + onDev);
        }

        say($"mean: {sum / folds:P2}; reviews {reviewSum / folds:P2}; dev {devSum / folds:P2}");
    }
}
