using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace TicketApp.Worker;

/// <summary>How a worker runs tickets, from the section <c>Worker</c>.</summary>
public sealed class WorkerOptions
{
    public const string SectionName = "Worker";

    /// <summary>Slots: how many tickets run at once. Default 100, which suits models that only wait.</summary>
    [Range(1, ushort.MaxValue)]
    public int Concurrency { get; set; } = 100;

    /// <summary>How long one run may take. Default 7 minutes.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "1.00:00:00")]
    public TimeSpan RunLimit { get; set; } = TimeSpan.FromMinutes(7);

    /// <summary>How long a stopping worker lets its runs go on before it hands them back. Default 5 seconds.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(5);
}

[OptionsValidator]
internal sealed partial class WorkerOptionsValidator : IValidateOptions<WorkerOptions>;
