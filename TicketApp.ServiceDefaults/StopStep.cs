using Microsoft.Extensions.Logging;

namespace TicketApp.ServiceDefaults;

/// <summary>
/// The order in which services stop. Those of one phase stop at the same time, since a server that
/// hangs costs each of them its whole limit.
/// </summary>
public enum StopPhase
{
    /// <summary>What does the work of the process.</summary>
    Work,

    /// <summary>What says that the process lives.</summary>
    Heartbeats,

    /// <summary>What publishes the last of the work.</summary>
    Publishing,

    /// <summary>What the others publish over.</summary>
    Connections,
}

/// <summary>
/// When a service stops and how long that may take. A service that is no <see cref="IStopsInPhase"/> stops in
/// <see cref="StopPhase.Work"/>, within the default limit.
/// </summary>
public interface IStopsInPhase
{
    StopPhase StopPhase => StopPhase.Work;

    /// <summary>After this time the process continues to its next phase.</summary>
    TimeSpan StopLimit => StopStep.DefaultLimit;
}

/// <summary>A step of a stop: it has a limit of its own, and whatever becomes of it, the next one follows.</summary>
public static partial class StopStep
{
    /// <summary>Longer than a statement takes that a database does not answer.</summary>
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(10);

    /// <summary>Waits for <paramref name="step"/>, up to <paramref name="limit"/>. A step that fails or takes longer is logged.</summary>
    /// <returns>Whether it ended in time.</returns>
    public static async Task<bool> RunAsync(string name, TimeSpan limit, Func<Task> step, ILogger logger)
    {
        try
        {
            // On a thread of its own, which it may block: cancelling a statement asks the database for it, and waits for the answer.
            await Task.Factory.StartNew(step, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
                .Unwrap().WaitAsync(limit);
            return true;
        }
        catch (TimeoutException)
        {
            Log.TookTooLong(logger, name, limit.TotalSeconds);
        }
        catch (Exception exception)
        {
            Log.Failed(logger, exception, name);
        }

        return false;
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Warning,
            Message = "Stopping: {Step} did not end within {Seconds:F0} s and is left to itself")]
        public static partial void TookTooLong(ILogger logger, string step, double seconds);

        [LoggerMessage(EventId = 2, Level = LogLevel.Warning, Message = "Stopping: {Step} failed")]
        public static partial void Failed(ILogger logger, Exception exception, string step);
    }
}
