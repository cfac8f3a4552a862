using TicketApp.Sentiment;
using TicketApp.SentimentTrainer.Data;

namespace TicketApp.SentimentTrainer.Evaluation;

/// <summary>How often a classifier is right.</summary>
internal static class Accuracy
{
    /// <summary>The share of texts, each first rewritten, that it judges as they are labelled.</summary>
    public static double Of(SentimentClassifier classifier, IReadOnlyList<LabelledText> texts, Func<string, string> rewrite) =>
        texts.Select(line => (classifier.Classify(rewrite(line.Text)) >= 0.5) == line.Positive ? 1.0 : 0.0).DefaultIfEmpty().Average();

    /// <summary>How many texts get an answer of such a probability, and the share of them that is judged as they are labelled.</summary>
    public static (int Answers, double Right) Between(
        SentimentClassifier classifier, IReadOnlyList<LabelledText> texts, double least, double below)
    {
        LabelledText[] answered = [.. texts.Where(line => ProbabilityOfAnswer(line) >= least && ProbabilityOfAnswer(line) < below)];
        return (answered.Length, Of(classifier, answered, text => text));

        double ProbabilityOfAnswer(LabelledText line) =>
            classifier.Classify(line.Text) is var happy && happy >= 0.5 ? happy : 1 - happy;
    }
}
