namespace TicketApp.Worker.Models;

/// <summary>What input a model takes. The Api refuses any other at once.</summary>
/// <param name="IsRequired">Whether it cannot run without.</param>
/// <param name="MaxCharacters">The longest, in UTF-16 characters.</param>
public readonly record struct ModelInput(bool IsRequired, int MaxCharacters)
{
    private const int UsualMaxCharacters = 10_000;

    public static ModelInput Optional { get; } = new(false, UsualMaxCharacters);

    public static ModelInput Required { get; } = new(true, UsualMaxCharacters);

    /// <summary>Why <paramref name="input"/> cannot be run; null if it can.</summary>
    public string? Defect(string? input)
    {
        if (string.IsNullOrEmpty(input))
        {
            return IsRequired ? "This model needs input" : null;
        }

        return input.Length > MaxCharacters ? $"The input has more than {MaxCharacters} characters" : null;
    }
}
