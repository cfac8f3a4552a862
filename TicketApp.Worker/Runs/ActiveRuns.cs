using TicketApp.Messaging;
using TicketApp.Messaging.Broker;

namespace TicketApp.Worker.Runs;

/// <summary>All runs of this worker, by ticket and epoch.</summary>
internal sealed class ActiveRuns
{
    private readonly Lock _lock = new();
    private readonly Dictionary<RunReference, Run> _runs = [];

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _runs.Count;
            }
        }
    }

    /// <summary>The runs at this moment.</summary>
    public IReadOnlyList<Run> All
    {
        get
        {
            lock (_lock)
            {
                return [.. _runs.Values];
            }
        }
    }

    /// <summary>How many tickets of a model are in progress.</summary>
    public int CountOf(string model)
    {
        lock (_lock)
        {
            return _runs.Values.Count(run => run.Ticket.Model == model);
        }
    }

    /// <summary>The run of a ticket under an epoch; null if it is not in progress.</summary>
    public Run? Find(RunReference reference)
    {
        lock (_lock)
        {
            return _runs.GetValueOrDefault(reference);
        }
    }

    public void Add(Run run)
    {
        lock (_lock)
        {
            _runs[run.Reference] = run;
        }
    }

    /// <summary>
    /// If the ticket is run here under the epoch, makes its end acknowledge <paramref name="message"/>, which brought it again.
    /// </summary>
    public bool TryAdopt(RunReference reference, PendingDelivery message)
    {
        lock (_lock)
        {
            if (!_runs.TryGetValue(reference, out var run))
            {
                return false;
            }

            run.Message = message;
            return true;
        }
    }

    /// <summary>
    /// Gives <paramref name="message"/> to a run of the model whose own message is gone. Held in its place until the run ends, it keeps the
    /// broker from sending more than there are slots.
    /// </summary>
    /// <returns>Whether there is such a run.</returns>
    public bool TryHold(string model, PendingDelivery message)
    {
        lock (_lock)
        {
            var run = _runs.Values.FirstOrDefault(run => run.Ticket.Model == model && run.Message.IsGone);
            run?.Message = message;
            return run is not null;
        }
    }

    /// <summary>Lets go of a run whose end is reported.</summary>
    /// <returns>The message that brought it last.</returns>
    public PendingDelivery Remove(Run run)
    {
        lock (_lock)
        {
            _runs.Remove(run.Reference);
            run.Dispose();
            return run.Message;
        }
    }
}
