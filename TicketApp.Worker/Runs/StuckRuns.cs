using Microsoft.Extensions.Options;

namespace TicketApp.Worker.Runs;

/// <summary>
/// Counts calls of models that went on after they were told to stop. Nothing can end them but the end of the process, so their slots
/// go to others; and when too many are left, the process stops with an exit code that asks for another start.
/// </summary>
internal sealed partial class StuckRuns(IHostApplicationLifetime lifetime, IOptions<WorkerOptions> options, ILogger<StuckRuns> logger)
{
    /// <summary>The exit code that asks for another start.</summary>
    public const int ExitCode = 3;

    private int _count;

    public void Add(string model, Task call)
    {
        var count = Interlocked.Increment(ref _count);
        Log.Abandoned(logger, model, count);
        call.ContinueWith(
            _ => Interlocked.Decrement(ref _count), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        // It may well have a thread for itself, of those that the others count on.
        ThreadPool.GetMinThreads(out var threads, out var completionThreads);
        ThreadPool.SetMinThreads(threads + 1, completionThreads);
        if (count > options.Value.MaxStuckRuns)
        {
            Log.Restart(logger, count);
            Environment.ExitCode = ExitCode;
            lifetime.StopApplication();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Error,
            Message = "A run of the model {Model} does not stop and is abandoned; {Count} such runs continue")]
        public static partial void Abandoned(ILogger logger, string model, int count);

        [LoggerMessage(EventId = 2, Level = LogLevel.Critical,
            Message = "{Count} abandoned runs continue: this worker stops and has to be started again")]
        public static partial void Restart(ILogger logger, int count);
    }
}
