using System.Globalization;
using Npgsql;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Page;

/// <summary>Tickets that have ended, of a user who never submitted one.</summary>
internal static class SeededTickets
{
    /// <summary>As many tickets of a new user, whose id is returned; the three oldest failed, the rest were answered.</summary>
    public static async Task<string> InsertAsync(RunningApp app, int count)
    {
        var user = await app.CreateUserAsync();
        await using var database = NpgsqlDataSource.Create(app.ApiDatabase);
        // Their ids are older than those of all others, so that these lead no list of another test.
        await using var command = database.CreateCommand(string.Create(
            CultureInfo.InvariantCulture,
            $"""
            insert into tickets (ticket_id, user_id, status, input, response, time_created, time_started, time_finished, expires_at, due_at)
            select ('00000000-0000-7' || substr('{user}', 25, 3) || '-8000-' || lpad(n::text, 12, '0'))::uuid, '{user}',
                case when n <= 3 then 'failed' else 'succeeded' end::ticket_status, 'Ticket ' || n, case when n > 3 then 'Answer ' || n end,
                now(), now(), now(), now(), now()
            from generate_series(1, {count}) n
            """));
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        return user;
    }
}
