using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;

namespace TicketApp.Contracts.Broker;

/// <summary>
/// One supervised loop around one connection: connect, declare, work, and from the start again when anything is lost.
/// The client's own recovery is off (it can bring back a connection without its consumer), so this loop is all there is.
/// </summary>
public abstract partial class BrokerLoop(IConnectionFactory factory, string name, ILogger logger) : BackgroundService
{
    private static readonly TimeSpan _firstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(2);

    private volatile bool _isWorking;
    private long _restarts;

    /// <summary>What this loop is for, as shown in the broker's connection list, logs and health.</summary>
    public string Name { get; } = name;

    /// <summary>Whether it can do its work now: the connection stands and the work on it has begun.</summary>
    public virtual bool IsReady => _isWorking;

    /// <summary>The queues of models that the broker refuses, which does not concern the others.</summary>
    public virtual IEnumerable<string> RefusedQueues => [];

    /// <summary>How often its connection was lost or could not be made.</summary>
    public long Restarts => Volatile.Read(ref _restarts);

    protected ILogger Logger { get; } = logger;

    /// <summary>Works on a new connection until <paramref name="lost"/> is cancelled; calls <paramref name="working"/> once it can.</summary>
    protected abstract Task WorkAsync(IConnection connection, Action working, CancellationToken lost);

    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var pause = _firstPause;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await WorkOnceAsync(() => pause = _firstPause, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                Log.Lost(Logger, Name, exception.GetBaseException().Message, pause.TotalMilliseconds);
            }

            _isWorking = false;
            Interlocked.Increment(ref _restarts);
            await Task.Delay(pause * (0.5 + Random.Shared.NextDouble()), stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = pause * 2 < _longestPause ? pause * 2 : _longestPause;
        }
    }

    private async Task WorkOnceAsync(Action working, CancellationToken stoppingToken)
    {
        await using var connection = await factory.CreateConnectionAsync(Name, stoppingToken);
        using var lost = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var reason = "closed";
        connection.ConnectionShutdownAsync += (_, shutdown) =>
        {
            reason = shutdown.ReplyText;
            return lost.CancelAsync();
        };

        await using (var channel = await connection.CreateChannelAsync(cancellationToken: stoppingToken))
        {
            await BrokerTopology.DeclareAsync(channel, stoppingToken);
        }

        try
        {
            await WorkAsync(connection, Working, lost.Token);
        }
        finally
        {
            _isWorking = false;
        }

        stoppingToken.ThrowIfCancellationRequested();
        throw new InvalidOperationException($"the connection was lost: {reason}");

        void Working()
        {
            working();
            _isWorking = true;
            Log.Connected(Logger, Name);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "{Loop} is connected to the broker")]
        public static partial void Connected(ILogger logger, string loop);

        [LoggerMessage(EventId = 2, Level = LogLevel.Warning, Message = "{Loop} has no broker ({Reason}); trying again in about {Milliseconds:F0} ms")]
        public static partial void Lost(ILogger logger, string loop, string reason, double milliseconds);
    }
}
