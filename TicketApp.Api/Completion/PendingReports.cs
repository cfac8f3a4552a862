using System.Threading.Channels;
using TicketApp.Messaging;
using TicketApp.Messaging.Broker;

namespace TicketApp.Api.Completion;

/// <summary>
/// Deliveries between the consumer and what applies them, and whether more may be taken. A replica that cannot write to the database takes
/// none: what it kept would be missing from the replicas that can.
/// </summary>
internal sealed class PendingReports
{
    private readonly Channel<Delivery> _deliveries = Channel.CreateUnbounded<Delivery>(new UnboundedChannelOptions { SingleReader = true });
    private volatile TaskCompletionSource _opened = New();
    private volatile TaskCompletionSource _closed = New();

    /// <summary>Whether more may be taken.</summary>
    public bool IsOpen => _opened.Task.IsCompleted;

    /// <summary>Ends when more may be taken.</summary>
    public Task WhenOpen => _opened.Task;

    /// <summary>Ends when no more may be taken, and those that were taken must be returned to the broker.</summary>
    public Task WhenClosed => _closed.Task;

    /// <summary>Bounded by the consumer's prefetch.</summary>
    public ChannelReader<Delivery> Reader => _deliveries.Reader;

    public void Add(Delivery delivery) => _deliveries.Writer.TryWrite(delivery);

    public void Open()
    {
        _closed = New();
        _opened.TrySetResult();
    }

    public void Close()
    {
        _opened = New();
        _closed.TrySetResult();
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>A delivery whose reports are being applied. Acknowledged once the last of them is dealt with.</summary>
internal sealed class PendingMessage(Delivery delivery, int reports)
{
    private int _left = reports;

    public Delivery Delivery { get; } = delivery;

    /// <summary>One of its reports is dealt with.</summary>
    public void Complete()
    {
        if (--_left == 0)
        {
            Delivery.Acknowledge();
        }
    }
}

/// <summary>One report of a message, judged by itself.</summary>
internal sealed class PendingReport(PendingMessage message, MessageElement<WorkerReport> element)
{
    public PendingMessage Message { get; } = message;

    /// <summary>Null if it could not be read.</summary>
    public WorkerReport? Report { get; } = element.Value;

    /// <summary>Why it goes to <see cref="QueueNames.Errors"/> instead of being applied; null if it does not.</summary>
    public string? Defect { get; set; } = element.Defect;

    /// <summary>It is not tried before: alone it failed, though the database is there. As <see cref="Environment.TickCount64"/>.</summary>
    public long NotBefore { get; set; }

    /// <summary>Applied, or moved to errors.</summary>
    public bool IsDone { get; private set; }

    /// <summary>What is moved to errors.</summary>
    public ReadOnlyMemory<byte> Body =>
        element.Body.IsEmpty ? ContractJson.Serialize(Report!, ContractJson.Default.WorkerReport) : element.Body;

    /// <summary>About how much of a statement it takes, in characters.</summary>
    public int Size => (Report?.Response?.Text.Length ?? 0) + (Report?.Text?.Length ?? 0) + (Report?.DetailsLength ?? 0);

    /// <summary>It is dealt with.</summary>
    public void Complete()
    {
        IsDone = true;
        Message.Complete();
    }
}
