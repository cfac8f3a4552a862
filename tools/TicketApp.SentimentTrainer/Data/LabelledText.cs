namespace TicketApp.SentimentTrainer.Data;

/// <summary>A line of a data file.</summary>
/// <param name="Text">As it stands there.</param>
/// <param name="Positive">Its label.</param>
internal sealed record LabelledText(string Text, bool Positive);
