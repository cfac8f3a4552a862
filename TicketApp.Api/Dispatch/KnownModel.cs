namespace TicketApp.Api.Dispatch;

/// <summary>A model that workers serve or have served lately.</summary>
/// <param name="Name">The word by which tickets choose it.</param>
/// <param name="Description">What it answers.</param>
/// <param name="InputRequired">Whether it cannot run without input.</param>
/// <param name="MaxInputCharacters">The longest input, in UTF-16 characters.</param>
/// <param name="LargestBatch">The most tickets that it runs together.</param>
/// <param name="Workers">How many workers serve it now.</param>
/// <param name="Slots">How many tickets they can run at once.</param>
public sealed record KnownModel(string Name, string Description, bool InputRequired, int MaxInputCharacters, int LargestBatch, int Workers, long Slots)
{
    /// <summary>What is wrong with <paramref name="input"/>, to follow its name; null if it can be run.</summary>
    public string? Defect(string? input)
    {
        if (string.IsNullOrEmpty(input))
        {
            return InputRequired ? $"is required by the model {Name}" : null;
        }

        return input.Length > MaxInputCharacters ? $"must have at most {MaxInputCharacters} characters for the model {Name}" : null;
    }
}
