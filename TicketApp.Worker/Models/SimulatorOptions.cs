using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using TicketApp.ServiceDefaults;

namespace TicketApp.Worker.Models;

/// <summary>How long the simulated ML step takes, from the section <c>Simulator</c>: uniformly random between the two.</summary>
public sealed class SimulatorOptions : IValidatableObject
{
    public const string SectionName = "Simulator";

    /// <summary>Shortest run of the simulated model. 0 is allowed. Default: 00:00:01.</summary>
    [TimeSpanRange("00:00:00", "1.00:00:00")]
    public TimeSpan MinDuration { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Longest run of the simulated model. Not less than <c>Simulator:MinDuration</c>. Default: 00:07:00, in Development 00:00:10.
    /// </summary>
    [TimeSpanRange("00:00:00", "1.00:00:00")]
    public TimeSpan MaxDuration { get; set; } = TimeSpan.FromMinutes(7);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (MaxDuration < MinDuration)
        {
            yield return new ValidationResult("Simulator:MaxDuration must not be less than Simulator:MinDuration.", [nameof(MaxDuration)]);
        }
    }
}

[OptionsValidator]
internal sealed partial class SimulatorOptionsValidator : IValidateOptions<SimulatorOptions>;
