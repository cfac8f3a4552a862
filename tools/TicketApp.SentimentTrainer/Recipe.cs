using TicketApp.SentimentTrainer.Recurrent;

namespace TicketApp.SentimentTrainer;

/// <summary>What is trained, and how it is put together.</summary>
internal sealed record Recipe
{
    /// <summary>Counts changes of what follows, or of how texts are read: weights of another version are of another kind.</summary>
    public const int Version = 1;

    /// <summary>How much errors of the linear model of words count against small weights.</summary>
    public float WordCost { get; init; } = 0.02f;

    /// <summary>The same for that of pieces of words.</summary>
    public float PieceCost { get; init; } = 0.003f;

    /// <summary>Recurrent networks, each from a seed of its own.</summary>
    public int Networks { get; init; } = 3;

    public RecurrentOptions Recurrent { get; init; } = new();

    /// <summary>The linear models' share of the verdict beside one network's.</summary>
    public float LinearShare { get; init; } = 1.5f;
}
