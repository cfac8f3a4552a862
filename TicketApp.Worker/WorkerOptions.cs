using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using TicketApp.ServiceDefaults;
using TicketApp.Worker.Models;

namespace TicketApp.Worker;

/// <summary>How a worker runs tickets, from the section <c>Worker</c>.</summary>
public sealed class WorkerOptions : IValidatableObject
{
    public const string SectionName = "Worker";

    /// <summary>The models to serve. Default: none named, which serves all that are registered.</summary>
    public IList<string> Models { get; } = [];

    /// <summary>Slots: how many runs of a model at once. Default: what the model says, 100 for models that only wait and the cores for those that compute.</summary>
    [Range(1, ushort.MaxValue)]
    public int? Concurrency { get; set; }

    /// <summary>The same for single models, by name; counts before <see cref="Concurrency"/>. Default: none.</summary>
    public IDictionary<string, int> Slots { get; } = new Dictionary<string, int>();

    /// <summary>How long one run may take. Default 7 minutes.</summary>
    [TimeSpanRange("00:00:00.010", "1.00:00:00")]
    public TimeSpan ExecutionTimeout { get; set; } = TimeSpan.FromMinutes(7);

    /// <summary>How long a stopping worker lets its runs continue before it hands them back. Default 5 seconds.</summary>
    [TimeSpanRange("00:00:00", "01:00:00")]
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a run keeps its message unacknowledged. After that its lease alone guards it. Less than the broker's <c>consumer_timeout</c>, after which that
    /// takes the messages of a consumer away. Default 10 minutes.
    /// </summary>
    [TimeSpanRange("00:00:01", "1.00:00:00")]
    public TimeSpan AcknowledgeAfter { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How many runs that do not stop may be left to themselves; with one more the process ends, to be started again. Default 10.</summary>
    [Range(0, 1000)]
    public int MaxStuckRuns { get; set; } = 10;

    /// <summary>How many runs of <paramref name="model"/> at once.</summary>
    public int SlotsOf(IModel model) => Slots.TryGetValue(model.Name, out var slots) ? slots : Concurrency ?? model.Slots;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) =>
        Slots.Where(slots => slots.Value is < 1 or > ushort.MaxValue)
            .Select(slots => new ValidationResult($"Worker:Slots:{slots.Key} must be between 1 and {ushort.MaxValue}.", [nameof(Slots)]));
}

[OptionsValidator]
internal sealed partial class WorkerOptionsValidator : IValidateOptions<WorkerOptions>;
