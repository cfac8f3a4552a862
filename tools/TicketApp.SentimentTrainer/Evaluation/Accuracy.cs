using TicketApp.Sentiment;
using TicketApp.SentimentTrainer.Data;

namespace TicketApp.SentimentTrainer.Evaluation;

/// <summary>How often a classifier is right.</summary>
internal static class Accuracy
{
    /// <summary>The share of texts, each first rewritten, that it judges as they are labelled.</summary>
    public static double Of(SentimentClassifier classifier, IReadOnlyList<LabelledText> texts, Func<string, string> rewrite) =>
        texts.Average(line => (classifier.Classify(rewrite(line.Text)) >= 0.5) == line.Positive ? 1.0 : 0.0);
}
