using TicketApp.Sentiment.Text;

namespace TicketApp.Sentiment.Weights;

/// <summary>All that was learned.</summary>
/// <param name="Recipe">The version of the recipe it was trained by.</param>
/// <param name="Vocabulary">The words of the training texts.</param>
/// <param name="Bias">Added to the logarithm of the odds.</param>
/// <param name="Linear">The linear model.</param>
/// <param name="Networks">The recurrent ones, all of one size.</param>
internal sealed record SentimentWeights(
    int Recipe, Vocabulary Vocabulary, float Bias, LinearModel Linear, IReadOnlyList<NetworkModel> Networks)
{
    /// <summary>Numbers for each word.</summary>
    public int Input => Networks[0].Reader.Forward.Input;

    /// <summary>Numbers in the state of each direction.</summary>
    public int State => Networks[0].Reader.Forward.State;
}
