using System.Collections.Concurrent;
using TicketApp.Contracts;
using TicketApp.Contracts.Broker;

namespace TicketApp.Worker.Runs;

/// <summary>All runs of this worker, by ticket and epoch.</summary>
internal sealed class RunsInHand
{
    private readonly ConcurrentDictionary<RunReference, Run> _runs = new();

    public int Count => _runs.Count;

    public IEnumerable<Run> All => _runs.Values;

    public Run Add(TicketMessage ticket, Delivery delivery)
    {
        Run run = new(ticket, delivery);
        _runs[run.Reference] = run;
        return run;
    }

    public Run? Find(RunReference reference) => _runs.GetValueOrDefault(reference);

    public void Remove(Run run)
    {
        if (_runs.TryRemove(new(run.Reference, run)))
        {
            run.Dispose();
        }
    }
}
