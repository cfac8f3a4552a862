using System.Diagnostics;
using Microsoft.Extensions.Options;
using TicketApp.Messaging;

namespace TicketApp.Worker.Models;

/// <summary>The original system's ML step: it waits a random time, and answers happy or sad with equal chance.</summary>
internal sealed class SimulatedModel(IOptions<SimulatorOptions> options, TimeProvider time) : IModel
{
    private static readonly TimeSpan _step = TimeSpan.FromMilliseconds(250);

    public string Name => ModelNames.Simulated;

    public string Description => "Takes a random time, then answers happy or sad with equal chance";

    public async ValueTask<ModelAnswer> RunAsync(ModelRun run, CancellationToken cancellationToken)
    {
        var input = SimulatedInput.Parse(run.Text);
        var random = input.Seed is { } seed ? new Random(seed) : Random.Shared;
        var answer = random.Next(2) == 0 ? "Happy message" : "Sad message";
        var (min, max) = (options.Value.MinDuration, options.Value.MaxDuration);
        var duration = input.Seconds is { } seconds ? TimeSpan.FromSeconds(seconds) : min + (max - min) * random.NextDouble();
        if (input.Progress)
        {
            await WaitInStepsAsync(duration, run.Progress, cancellationToken);
        }
        else if (duration > TimeSpan.Zero)
        {
            await Task.Delay(duration, time, cancellationToken);
        }

        return input.Fail is { } message ? throw new ModelException(message) : answer;
    }

    private async Task WaitInStepsAsync(TimeSpan duration, IProgress<ModelProgress> progress, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) is var elapsed && elapsed < duration)
        {
            progress.Report(new(elapsed / duration));
            var left = duration - elapsed;
            await Task.Delay(left < _step ? left : _step, time, cancellationToken);
        }

        progress.Report(new(1));
    }
}
