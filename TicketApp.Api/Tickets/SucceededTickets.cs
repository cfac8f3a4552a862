using Microsoft.Extensions.Caching.Memory;

namespace TicketApp.Api.Tickets;

/// <summary>
/// Remembers tickets that succeeded, in bounded memory. The database refuses any change to them, so none goes stale; one that
/// another replica deletes is forgotten soon.
/// </summary>
internal sealed class SucceededTickets : IDisposable
{
    private const int MaxCharacters = 2 * 1024 * 1024;

    // What an entry costs beside its response, in characters.
    private const int EntryOverhead = 200;

    private static readonly TimeSpan _rememberedFor = TimeSpan.FromSeconds(10);

    private readonly MemoryCache _cache = new(new MemoryCacheOptions { SizeLimit = MaxCharacters, CompactionPercentage = 0.2 });

    public TicketSnapshot? Find(Guid ticketId) => _cache.Get<TicketSnapshot>(ticketId);

    /// <summary>Remembers <paramref name="ticket"/> if it succeeded; call only once its end is committed.</summary>
    public void Add(TicketSnapshot ticket)
    {
        if (ticket.Status == TicketStatus.Succeeded)
        {
            _cache.Set(ticket.TicketId, ticket, new MemoryCacheEntryOptions
            {
                Size = EntryOverhead + (ticket.Response?.Length ?? 0),
                AbsoluteExpirationRelativeToNow = _rememberedFor,
            });
        }
    }

    /// <summary>Forgets a ticket that was deleted.</summary>
    public void Remove(Guid ticketId) => _cache.Remove(ticketId);

    public void Dispose() => _cache.Dispose();
}
