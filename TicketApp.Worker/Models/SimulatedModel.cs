using Microsoft.Extensions.Options;
using TicketApp.Contracts;

namespace TicketApp.Worker.Models;

/// <summary>The original system's ML step: it waits a random time, and answers happy or sad with equal chance.</summary>
internal sealed class SimulatedModel(IOptions<SimulatorOptions> options, TimeProvider time) : IModel
{
    public string Name => "simulated";

    public async ValueTask<string> RunAsync(TicketMessage ticket, CancellationToken cancellationToken)
    {
        var (min, max) = (options.Value.Min, options.Value.Max);
        var duration = min + (max - min) * Random.Shared.NextDouble();
        if (duration > TimeSpan.Zero)
        {
            await Task.Delay(duration, time, cancellationToken);
        }

        return Random.Shared.Next(2) == 0 ? "Happy message" : "Sad message";
    }
}
