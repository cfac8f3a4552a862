using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using TicketApp.Api.Auth;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;
using TicketApp.Api.Telemetry;
using TicketApp.Api.Tickets;
using TicketApp.ServiceDefaults;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Dispatch;

/// <summary>Which new tickets the real statements dispatch, and which they leave to the backlog.</summary>
[Collection(DatabaseCollection.Name)]
public sealed class NewTicketTests(DatabaseServer server)
{
    private static readonly TicketStore _store = new(
        Options.Create(new TicketOptions()), Options.Create(new DispatchOptions()));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_first_of_a_batch_are_dispatched_whatever_their_keys_and_users(bool isKeyed)
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        ScratchBacklog backlog = new(database);
        // The first come from the users, and have the keys, that sort last; and have a model of their own, whose window alone has capacity.
        Guid[] users = [await backlog.CreateUserAsync(), await backlog.CreateUserAsync()];
        NewTicket[] batch =
        [
            .. Enumerable.Range(0, 10).Select(i => new NewTicket(Guid.CreateVersion7(), users[1 - (i / 5)])
            {
                Model = i < 3 ? "with-capacity" : "without",
                Key = isKeyed ? new($"key {9 - i}", [(byte)i]) : null,
            }),
        ];

        await using var connection = await database.Source.OpenConnectionAsync(Cancel);
        var creation = await _store.CreateAsync(connection, batch, dispatch: 3);

        Assert.Equal(
            batch.Take(3).Select(ticket => ticket.TicketId).Order(), creation.Dispatched.Select(ticket => ticket.TicketId).Order());
        Assert.All(creation.Dispatched, ticket => Assert.Equal("with-capacity", ticket.Model));
        Assert.Equal(10, creation.Stored.Count);
        var dispatched = await database.ValueAsync<long>(
            """
            select count(*) from tickets
            where status = 'dispatched' and model = 'with-capacity' and lease_expires > now()
            """);
        Assert.Equal(3, dispatched);
        Assert.Equal(7, await database.ValueAsync<long>("select count(*) from tickets where status = 'queued' and model = 'without'"));
        Assert.Equal(
            isKeyed ? 10 : 0,
            await database.ValueAsync<long>("select count(*) from idempotency_keys join tickets using (ticket_id, user_id)"));
    }

    [Fact]
    public async Task A_key_that_is_taken_keeps_its_ticket_and_is_known_before_anything_is_dispatched()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        var user = await new ScratchBacklog(database).CreateUserAsync();
        NewTicket first = Keyed(user, "a");
        NewTicket second = Keyed(user, "a");
        NewTicket other = Keyed(user, "b");
        await using var connection = await database.Source.OpenConnectionAsync(Cancel);
        await _store.CreateAsync(connection, [first], dispatch: 0);

        Assert.Equal([(user, "a")], await IdempotencyStore.UsedAsync(connection, [(user, "a"), (user, "b"), (Guid.NewGuid(), "a")]));
        // It may have come in between: then its place stays unused.
        var creation = await _store.CreateAsync(connection, [second, other], dispatch: 1);

        Assert.Equal([other.TicketId], creation.Stored.Keys);
        Assert.Empty(creation.Dispatched);
        Assert.Equal(first.TicketId, await database.ValueAsync<Guid>("select ticket_id from idempotency_keys where key = 'a'"));
    }

    [Fact]
    public async Task A_repetition_gets_its_ticket_also_while_too_many_are_open()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        await using var services = new ServiceCollection().AddMetrics().AddSingleton<TicketMetrics>().BuildServiceProvider();
        var metrics = services.GetRequiredService<TicketMetrics>();
        var user = await new ScratchBacklog(database).CreateUserAsync();
        var first = Keyed(user, "a");
        await using (var connection = await database.Source.OpenConnectionAsync(Cancel))
        {
            await _store.CreateAsync(connection, [first], dispatch: 0);
        }

        var options = Options.Create(new TicketOptions());
        LoopProgress progress = new(TimeProvider.System);
        OpenTickets open = new();
        open.Counted(options.Value.MaxOpen);
        using IdempotencyStore keys = new(database.Source, metrics, progress, NullLogger<IdempotencyStore>.Instance);
        await keys.StartAsync(Cancel);
        // It gets no further than the number.
        using TicketCreator creator = new(
            database.Source, metrics, progress, NullLogger<TicketCreator>.Instance,
            _store, null!, null!, null!, open, new(Options.Create(new LimitOptions())), null!, options);
        TicketSubmitter submitter = new(creator, keys);

        var repeated = await submitter.SubmitAsync(Keyed(user, "a"), Caller.Unrestricted);

        Assert.Equal((first.TicketId, true), (repeated.Row?.TicketId, repeated.IsReplayed));
        await Assert.ThrowsAsync<OverloadedException>(() => submitter.SubmitAsync(Keyed(user, "b"), Caller.Unrestricted));
        await Assert.ThrowsAsync<OverloadedException>(() =>
            submitter.SubmitAsync(Keyed(user, "b") with { Key = null }, Caller.Unrestricted));
        await keys.StopAsync(Cancel);
    }

    private static NewTicket Keyed(Guid user, string key) =>
        new(Guid.CreateVersion7(), user) { Model = "simulated", Key = new(key, [1]) };
}
