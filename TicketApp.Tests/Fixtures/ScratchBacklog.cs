using Microsoft.Extensions.Options;
using TicketApp.Api.Auth;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;
using TicketApp.Messaging;

namespace TicketApp.Tests.Fixtures;

/// <summary>A backlog in a scratch database, filled and dispatched by the real statements.</summary>
internal sealed class ScratchBacklog(ScratchDatabase database, int runningTickets = 0)
{
    private static readonly IOptions<TicketOptions> _tickets = Options.Create(new TicketOptions());
    private static readonly IOptions<DispatchOptions> _dispatch = Options.Create(new DispatchOptions());

    private readonly IOptions<LimitOptions> _limits = Options.Create(new LimitOptions { MaxConcurrentPerUser = runningTickets });

    public async Task<Guid> CreateUserAsync()
    {
        var user = Guid.CreateVersion7();
        await database.ExecuteAsync($"insert into users (user_id) values ('{user}')");
        return user;
    }

    /// <summary>The ids of as many new tickets of the user, in their order.</summary>
    public async Task<IReadOnlyList<Guid>> QueueAsync(Guid user, TicketPriority priority, int count)
    {
        NewTicket[] tickets = [.. Enumerable.Range(0, count).Select(_ => new NewTicket(Guid.CreateVersion7(), user, priority))];
        await using var connection = await database.Source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        var creation = await new TicketStore(_tickets, _dispatch).CreateAsync(connection, tickets, dispatch: 0);
        Assert.Equal(count, creation.Stored.Count);
        return [.. tickets.Select(ticket => ticket.TicketId)];
    }

    public Task<IReadOnlyList<TicketMessage>> DispatchAsync(int count, string model = ModelNames.Simulated) =>
        new DispatchStore(database.Source, _dispatch, _limits).DispatchAsync(model, count, TestContext.Current.CancellationToken);

    /// <summary>Lets a dispatched ticket succeed.</summary>
    public Task FinishAsync(Guid ticketId) => database.ExecuteAsync(
        $"""
        update tickets set status = 'succeeded', time_finished = now(), lease_expires = null, response = ''
        where ticket_id = '{ticketId}'
        """);
}
