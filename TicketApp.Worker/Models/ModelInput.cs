using TicketApp.Messaging;

namespace TicketApp.Worker.Models;

/// <summary>What input a model takes. The Api refuses any other at once.</summary>
/// <param name="IsRequired">Whether it cannot run without.</param>
/// <param name="MaxCharacters">The longest, in UTF-16 characters; of JSON, those of its text.</param>
public readonly record struct ModelInput(bool IsRequired, int MaxCharacters)
{
    private const int UsualMaxCharacters = 10_000;

    public static ModelInput Optional { get; } = new(false, UsualMaxCharacters);

    public static ModelInput Required { get; } = new(true, UsualMaxCharacters);

    /// <summary>Why <paramref name="input"/> cannot be run; null if it can.</summary>
    public string? Defect(Payload? input)
    {
        if (input is not { Text: { Length: > 0 } text })
        {
            return IsRequired ? "This model needs input" : null;
        }

        return text.Length > MaxCharacters ? $"The input has more than {MaxCharacters} characters" : null;
    }
}

/// <summary>One run, as its model sees it.</summary>
/// <param name="TicketId">The ticket.</param>
/// <param name="Input">What is asked, any JSON within the model's <see cref="ModelInput"/>; may be null unless it is required.</param>
/// <param name="Attempt">The attempt that this is, from 1.</param>
/// <param name="Progress">Takes progress at any rate; callers see it a few times a second. No progress costs nothing.</param>
public sealed record ModelRun(Guid TicketId, Payload? Input, int Attempt, IProgress<ModelProgress> Progress)
{
    /// <summary><see cref="Input"/> as text, for models that read nothing else: the JSON text where it is JSON.</summary>
    public string? Text => Input?.Text;

    /// <summary>When the time of this run is over.</summary>
    public DateTimeOffset Ends { get; init; } = DateTimeOffset.MaxValue;

    /// <summary>When the ticket expires, however many attempts it would have.</summary>
    public DateTimeOffset Deadline { get; init; } = DateTimeOffset.MaxValue;
}

/// <summary>How far a run is.</summary>
/// <param name="Fraction">From 0 to 1, if known.</param>
/// <param name="Text">What the answer has grown by, for models that write it piece by piece.</param>
public readonly record struct ModelProgress(double? Fraction = null, string? Text = null);
