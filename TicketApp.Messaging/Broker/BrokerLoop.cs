using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using TicketApp.ServiceDefaults;

namespace TicketApp.Messaging.Broker;

/// <summary>
/// A loop around one connection: connect, declare, work, and from the start again when anything is lost.
/// The client's own recovery is off (it can bring back a connection without its consumer), so this loop is all there is.
/// </summary>
public abstract partial class BrokerLoop(IConnectionFactory factory, string name, LoopProgress progress, ILogger logger)
    : SupervisedLoop(name, progress, logger)
{
    private volatile bool _isWorking;
    private long _restarts;

    /// <summary>Whether it can do its work now: the connection stands and the work on it has begun.</summary>
    public virtual bool IsReady => _isWorking;

    /// <summary>The queues that the broker refuses, which does not concern the others.</summary>
    public virtual IEnumerable<string> RefusedQueues => [];

    /// <summary>How often its connection was lost or could not be made.</summary>
    public long Restarts => Volatile.Read(ref _restarts);

    /// <summary>Whether the process declares exchanges and queues; if not, it waits until they are there.</summary>
    public abstract bool DeclaresQueues { get; }

    /// <summary>Works on a connection until <paramref name="lost"/> is cancelled; calls <paramref name="working"/> once it can.</summary>
    protected abstract Task WorkAsync(IConnection connection, Action working, CancellationToken lost);

    protected override ValueTask<bool> WaitForWorkAsync(CancellationToken stoppingToken) => new(true);

    protected sealed override async Task RunAsync(CancellationToken stoppingToken)
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
            await (DeclaresQueues
                ? BrokerTopology.DeclareAsync(channel, stoppingToken)
                : BrokerTopology.CheckAsync(channel, stoppingToken));
        }

        try
        {
            await WorkAsync(connection, Working, lost.Token);
        }
        catch (OperationCanceledException) when (lost.IsCancellationRequested && !stoppingToken.IsCancellationRequested)
        {
            // Said below.
        }
        finally
        {
            _isWorking = false;
        }

        stoppingToken.ThrowIfCancellationRequested();
        throw new BrokerUnavailableException($"the connection to the broker was lost: {reason}");

        void Working()
        {
            _isWorking = true;
            Completed();
            Log.Connected(Logger, Name);
        }
    }

    protected override void OnFailed(Exception exception) => Interlocked.Increment(ref _restarts);

    protected override string? Explain(Exception exception) => exception switch
    {
        BrokerUnavailableException => exception.Message,
        RabbitMQClientException or IOException or TimeoutException => $"the broker cannot be used: {exception.GetBaseException().Message}",
        // The client says so where no answer came within its limit; the process does not stop.
        OperationCanceledException => "the broker did not answer in time",
        _ => null,
    };

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "{Loop} is connected to the broker")]
        public static partial void Connected(ILogger logger, string loop);
    }
}

/// <summary>What is measured of the broker loops of a process.</summary>
public sealed class BrokerMetrics
{
    /// <summary>Declares the instruments.</summary>
    public BrokerMetrics(IMeterFactory meters, IEnumerable<BrokerLoop> loops)
    {
        BrokerLoop[] all = [.. loops];
        meters.Create(TelemetryNames.App).CreateObservableCounter(
            "ticketapp.broker.restarts",
            () => all.Select(loop => new Measurement<long>(loop.Restarts, new KeyValuePair<string, object?>("ticketapp.loop", loop.Name))),
            "{restart}",
            "How often a consumer or publisher lost its connection, or could not make one.");
    }
}
