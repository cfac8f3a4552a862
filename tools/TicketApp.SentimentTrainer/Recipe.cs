using TicketApp.SentimentTrainer.Recurrent;

namespace TicketApp.SentimentTrainer;

/// <summary>What is trained, and how it is put together.</summary>
internal sealed record Recipe
{
    /// <summary>Counts changes of what follows, or of how texts are read: weights of another version are of another kind.</summary>
    public const int Version = 3;

    /// <summary>How much errors of the linear model of words count against small weights.</summary>
    public float WordCost { get; init; } = 0.02f;

    /// <summary>The same for that of pieces of words.</summary>
    public float PieceCost { get; init; } = 0.003f;

    /// <summary>How often each review is seen for one time of a treebank's phrase: they are few, and as people write.</summary>
    public int ReviewCopies { get; init; } = 3;

    /// <summary>In how many forms each judged word is negated: "not bad", "not bad at all", "is not bad", "never bad".</summary>
    public int Negations { get; init; } = 1;

    /// <summary>Recurrent networks, each from a seed of its own.</summary>
    public int Networks { get; init; } = 3;

    public RecurrentOptions Recurrent { get; init; } = new();

    /// <summary>The linear models' share of the verdict beside one network's.</summary>
    public float LinearShare { get; init; } = 2;
}
