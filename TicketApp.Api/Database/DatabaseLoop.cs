using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Database;

/// <summary>
/// Work that comes round again and again once the schema is there. What goes wrong is logged, and tried again after a moment; a loop that
/// gets nothing done for long makes the process unhealthy.
/// </summary>
/// <param name="name">What it does, as logs and health say it.</param>
/// <param name="migrator">Says when the schema is there.</param>
/// <param name="progress">Where its rounds are marked.</param>
/// <param name="logger">The subclass's own.</param>
internal abstract partial class DatabaseLoop(string name, DatabaseMigrator migrator, LoopProgress progress, ILogger logger) : BackgroundService
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(500);

    /// <summary>Does what there is to do.</summary>
    protected abstract Task WorkAsync(CancellationToken stoppingToken);

    /// <summary>Waits until there may be something to do again.</summary>
    protected abstract Task WaitAsync(CancellationToken stoppingToken);

    /// <summary>A round failed; for what a subclass must know of it.</summary>
    protected virtual void OnFailed()
    {
    }

    /// <summary>The process stops; the loop has ended.</summary>
    protected virtual Task OnStoppedAsync() => Task.CompletedTask;

    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await migrator.Ready.WaitAsync(stoppingToken);
            while (true)
            {
                await RoundAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await OnStoppedAsync();
        }
    }

    private async Task RoundAsync(CancellationToken stoppingToken)
    {
        try
        {
            progress.Begin(name);
            await WorkAsync(stoppingToken);
            progress.Done(name);
            await WaitAsync(stoppingToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
        {
            // Also while the process stops, when the pause ends at once: the loop always comes to its end.
            Log.Failed(logger, name, exception.GetBaseException().Message);
            OnFailed();
            await Task.Delay(_pause, stoppingToken);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 100, Level = LogLevel.Warning, Message = "No {Work} for now: {Reason}")]
        public static partial void Failed(ILogger logger, string work, string reason);
    }
}
