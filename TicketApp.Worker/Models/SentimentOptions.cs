using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace TicketApp.Worker.Models;

/// <summary>What the sentiment model answers, from the section <c>Sentiment</c>.</summary>
public sealed class SentimentOptions
{
    public const string SectionName = "Sentiment";

    /// <summary>
    /// Answers less likely than this have <c>"unsure": true</c> in their details. From 0.5, which marks no answer, to 1. Default: 0.6.
    /// </summary>
    [Range(0.5, 1)]
    public double UnsureBelow { get; set; } = 0.6;
}

[OptionsValidator]
internal sealed partial class SentimentOptionsValidator : IValidateOptions<SentimentOptions>;
