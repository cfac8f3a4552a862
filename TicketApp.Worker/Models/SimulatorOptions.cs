using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using TicketApp.ServiceDefaults;

namespace TicketApp.Worker.Models;

/// <summary>How long the simulated ML step takes, from the section <c>Simulator</c>: uniformly random between the two.</summary>
public sealed class SimulatorOptions : IValidatableObject
{
    public const string SectionName = "Simulator";

    /// <summary>Shortest run; zero is allowed. Default 1 second.</summary>
    [TimeSpanRange("00:00:00", "1.00:00:00")]
    public TimeSpan MinDuration { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest run; zero is allowed. Default 7 minutes, in Development 10 seconds.</summary>
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
