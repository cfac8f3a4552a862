namespace TicketApp.Worker.Models;

/// <summary>An attempt failed for a reason that the model knows.</summary>
public sealed class ModelException : Exception
{
    public ModelException()
        : this("The model failed")
    {
    }

    public ModelException(string message)
        : base(message)
    {
    }

    public ModelException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>The <see cref="ErrorType"/> of an attempt that waited in vain for its model to be there and to take more.</summary>
    public const string Unavailable = "model_unavailable";

    /// <summary>A stable word for the reason, up to 50 characters. Default <c>model_error</c>.</summary>
    public string ErrorType { get; init; } = "model_error";

    /// <summary>Whether another attempt would fail as well, so that none is made. Default false.</summary>
    public bool IsFinal { get; init; }

    /// <summary>
    /// Whether nothing was run: what the model asks cannot be reached, or takes no more for now. The attempt is not charged, and the ticket
    /// is tried again until its deadline. Default false.
    /// </summary>
    public bool IsRefused { get; init; }

    /// <summary>The least pause before the next attempt, as a <c>Retry-After</c> asks for it; null: the usual one.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
