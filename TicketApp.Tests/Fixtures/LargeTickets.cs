using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Auth;

namespace TicketApp.Tests.Fixtures;

/// <summary>Tickets with answers of a million characters, and what they take.</summary>
internal static class LargeTickets
{
    public const int Characters = 1_000_000;

    // Two bytes each in UTF-8, and six where JSON is escaped more than it must be.
    public const string Character = "é";

    /// <summary>What nothing was taken of yet.</summary>
    public static ByteLimit.TakenBytes Taken() => new(new ByteLimit(Options.Create(new LimitOptions())));

    /// <summary>Stores finished tickets of a new user.</summary>
    /// <returns>The user, and the tickets in the order of their ends.</returns>
    public static async Task<(Guid User, IReadOnlyList<Guid> Tickets)> StoreAsync(
        NpgsqlDataSource database, int count, string status = "succeeded")
    {
        var user = Guid.CreateVersion7();
        Guid[] tickets = [.. Enumerable.Range(0, count).Select(_ => Guid.CreateVersion7()).Order()];
        await using var insert = database.CreateCommand(
            $"""
            with u as (insert into users (user_id) values ($1) returning user_id)
            insert into tickets (
                ticket_id, user_id, status, time_created, expires_at, due_at, time_finished, finished_xid, response, input)
            select t.id, u.user_id, '{status}'::ticket_status, now(), now(), now(), now(), pg_current_xact_id(),
                repeat('{Character}', {Characters}), repeat('{Character}', {Characters} / 10)
            from u, unnest($2) t (id)
            """);
        insert.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = user });
        insert.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = tickets });
        await insert.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        return (user, tickets);
    }
}
