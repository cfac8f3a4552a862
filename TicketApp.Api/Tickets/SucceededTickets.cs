using System.Collections.Concurrent;
using Microsoft.Extensions.Caching.Memory;
using TicketApp.Api.Completion;
using TicketApp.Api.Storage;

namespace TicketApp.Api.Tickets;

/// <summary>
/// Remembers tickets that succeeded, here or by what another replica tells, in bounded memory. The database refuses any change to them, so
/// none goes stale; one that another replica deletes is forgotten when it says so, or soon.
/// </summary>
internal sealed class SucceededTickets : ITicketObserver, IDisposable
{
    private const int MaxCharacters = 2 * 1024 * 1024;

    // What an entry costs beside its response, in characters.
    private const int EntryOverhead = 200;

    private static readonly TimeSpan _rememberedFor = TimeSpan.FromSeconds(10);

    private readonly MemoryCache _cache = new(new MemoryCacheOptions { SizeLimit = MaxCharacters, CompactionPercentage = 0.2 });
    private readonly ConcurrentDictionary<Guid, TaskCompletionSource<TicketSummary>> _awaited = [];

    public TicketSummary? Find(Guid ticketId) => _cache.Get<TicketSummary>(ticketId);

    /// <summary>As <see cref="Find"/>, but waits a moment for a ticket that is not remembered yet.</summary>
    /// <param name="ticketId">The ticket.</param>
    /// <param name="limit">The longest wait.</param>
    /// <returns>Null if it has not succeeded here by then.</returns>
    public async Task<TicketSummary?> FindSoonAsync(Guid ticketId, TimeSpan limit)
    {
        var awaited = _awaited.GetOrAdd(ticketId, static _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
        try
        {
            // Only now: from here on anyone who adds the ticket finds who waits for it.
            if (Find(ticketId) is { } found)
            {
                return found;
            }

            await ((Task)awaited.Task.WaitAsync(limit)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return awaited.Task.IsCompleted ? await awaited.Task : null;
        }
        finally
        {
            // Of several who wait for one ticket, the first to give up takes it from the others too: they ask the database when their own
            // time is over.
            _awaited.TryRemove(new(ticketId, awaited));
        }
    }

    public void OnEnded(IReadOnlyList<EndedTicket> tickets)
    {
        foreach (var (ticket, _, _) in tickets)
        {
            Add(ticket);
        }
    }

    /// <summary>Remembers <paramref name="ticket"/> if it succeeded; call only once its end is committed.</summary>
    public void Add(TicketSummary ticket)
    {
        if (ticket.Status == TicketStatus.Succeeded)
        {
            _cache.Set(ticket.TicketId, ticket, new MemoryCacheEntryOptions
            {
                Size = EntryOverhead + (ticket.Response?.Length ?? 0),
                AbsoluteExpirationRelativeToNow = _rememberedFor,
            });
            if (_awaited.TryRemove(ticket.TicketId, out var awaited))
            {
                awaited.TrySetResult(ticket);
            }
        }
    }

    /// <summary>Forgets a ticket: once it has succeeded, it can only be removed.</summary>
    public void OnChanged(Guid ticketId) => _cache.Remove(ticketId);

    public void Dispose() => _cache.Dispose();
}
