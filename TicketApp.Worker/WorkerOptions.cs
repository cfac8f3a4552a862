using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using TicketApp.ServiceDefaults;
using TicketApp.Worker.Models;

namespace TicketApp.Worker;

/// <summary>How a worker runs tickets, from the section <c>Worker</c>.</summary>
public sealed class WorkerOptions : IValidatableObject
{
    public const string SectionName = "Worker";

    /// <summary>Names of the models that this worker serves. Not set: all registered models. Default: not set.</summary>
    public IList<string> Models { get; } = [];

    /// <summary>
    /// Slots: the maximum number of runs of one model at once. Default: set by the model: 100, or the number of cores if it computes.
    /// </summary>
    [Range(1, ushort.MaxValue)]
    public int? Concurrency { get; set; }

    /// <summary>Slots of one model. Overrides <c>Worker:Concurrency</c>. Default: not set.</summary>
    public IDictionary<string, int> Slots { get; } = new Dictionary<string, int>();

    /// <summary>Maximum time of one run. A ticket can request less. Default: 00:07:00.</summary>
    [TimeSpanRange("00:00:00.010", "1.00:00:00")]
    public TimeSpan ExecutionTimeout { get; set; } = TimeSpan.FromMinutes(7);

    /// <summary>
    /// How long a stopping worker lets its runs continue before it returns their tickets to the backlog. Default: 00:00:05.
    /// </summary>
    [TimeSpanRange("00:00:00", "01:00:00")]
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a run keeps its message unacknowledged; after that, only the lease protects the run. Keep it below the broker's
    /// <c>consumer_timeout</c> (30 min by default in RabbitMQ). Default: 00:10:00.
    /// </summary>
    [TimeSpanRange("00:00:01", "1.00:00:00")]
    public TimeSpan AcknowledgeAfter { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Maximum number of runs that do not stop when told to. With one more, the worker stops with exit code 3. Default: 10.
    /// </summary>
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
