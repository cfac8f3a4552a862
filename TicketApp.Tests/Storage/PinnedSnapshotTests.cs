using System.Data;
using Npgsql;
using TicketApp.Api.Storage;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Storage;

/// <summary>
/// A transaction that stays open, such as a backup, keeps every dead row and index entry from being cleared away. Look-ups
/// that pass those which tickets leave in the backlog must not do so for each ticket.
/// </summary>
[Collection(DatabaseCollection.Name)]
public sealed class PinnedSnapshotTests(DatabaseServer server)
{
    private const int Churned = 3000;
    private const int BatchSize = 300;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_batch_of_tickets_passes_dead_index_entries_once_and_not_for_each_ticket()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        ScratchBacklog backlog = new(database);
        var user = await backlog.CreateUserAsync();
        await using var pin = await database.Source.OpenConnectionAsync(Cancel);
        await using var snapshot = await pin.BeginTransactionAsync(IsolationLevel.RepeatableRead, Cancel);
        await using (NpgsqlCommand look = new("select 1 from tickets limit 1", pin, snapshot))
        {
            await look.ExecuteNonQueryAsync(Cancel);
        }

        for (var i = 0; i < Churned / BatchSize; i++)
        {
            await backlog.QueueAsync(user, TicketPriority.Normal, BatchSize);
            Assert.Equal(BatchSize, (await backlog.DispatchAsync(BatchSize)).Count);
        }

        var before = await database.ReadEntriesAsync("tickets");
        await backlog.QueueAsync(user, TicketPriority.Normal, BatchSize);
        var queued = await database.ReadEntriesAsync("tickets") - before;
        // Once for the head of the backlog, once for the user's own part of it.
        Assert.InRange(queued, 0, 3 * Churned);
        Assert.Equal(BatchSize, (await backlog.DispatchAsync(BatchSize)).Count);
        Assert.InRange(await database.ReadEntriesAsync("tickets") - before - queued, 0, 3 * Churned);
    }
}
