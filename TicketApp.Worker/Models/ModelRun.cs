namespace TicketApp.Worker.Models;

/// <summary>One run, as its model sees it.</summary>
/// <param name="TicketId">The ticket.</param>
/// <param name="Input">What is asked, within the model's <see cref="ModelInput"/>; may be null unless it is required.</param>
/// <param name="Attempt">The attempt that this is, from 1.</param>
/// <param name="Progress">Takes progress at any rate; callers see it a few times a second. A run that reports none costs nothing for it.</param>
public sealed record ModelRun(Guid TicketId, string? Input, int Attempt, IProgress<ModelProgress> Progress);

/// <summary>How far a run is.</summary>
/// <param name="Fraction">From 0 to 1, if known.</param>
/// <param name="Text">What the answer has grown by, for models that write it piece by piece.</param>
public readonly record struct ModelProgress(double? Fraction = null, string? Text = null);
