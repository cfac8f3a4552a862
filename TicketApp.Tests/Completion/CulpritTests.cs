using Npgsql;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Completion;

/// <summary>One row or message that the database refuses, among many that it takes.</summary>
[Collection(AppCollection.Name)]
public sealed class CulpritTests(AppFixture app)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_result_that_the_data_forbids_goes_to_errors_and_holds_up_nobody()
    {
        await using var database = NpgsqlDataSource.Create(app.Database);
        var (culprit, trigger) = await CreateCulpritAsync(database, "new.status = 'succeeded'", errorCode: "23514");

        await FinishOthersAsync();

        await Eventually.IsTrueAsync("The report in errors", _limit, () => app.Errors.All.Any(error =>
            error.Contains(culprit, StringComparison.Ordinal) && error.Contains("the database refused it", StringComparison.Ordinal)));
        await DropAsync(database, trigger);
    }

    [Fact]
    public async Task A_result_that_fails_for_no_reason_of_its_own_is_kept_and_holds_up_nobody()
    {
        await using var database = NpgsqlDataSource.Create(app.Database);
        var (culprit, trigger) = await CreateCulpritAsync(database, "new.status = 'succeeded'", errorCode: "P0001");

        await FinishOthersAsync();
        await DropAsync(database, trigger);

        await app.FinishAsync(culprit);
        Assert.DoesNotContain(app.Errors.All, error => error.Contains(culprit, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_ticket_that_cannot_be_ended_holds_up_no_other_deadline()
    {
        await using var database = NpgsqlDataSource.Create(app.Database);
        var (culprit, trigger) = await CreateCulpritAsync(database, "new.time_finished is not null", errorCode: "P0001", seconds: 60);
        await ExecuteAsync(
            database, $"update tickets set due_at = now() - interval '1 day', expires_at = now() where ticket_id = '{culprit}'");
        var userId = await app.CreateUserAsync();

        var others = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ =>
            app.CreateTicketAsync(userId, "simulated", """{"seconds":60}""", new() { ["deadline_s"] = 1 })));

        await Eventually.IsTrueAsync("The others time out", _limit, async () =>
        {
            await using var command = database.CreateCommand(
                "select count(*) from tickets where ticket_id = any($1) and status = 'timed_out'");
            command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. others.Select(Guid.Parse)] });
            return (long)(await command.ExecuteScalarAsync(Cancel))! == others.Length;
        });
        await DropAsync(database, trigger);
        // It is left out for ten minutes, which other tests would find overdue.
        await ExecuteAsync(database, $"delete from tickets where ticket_id = '{culprit}'");
    }

    private static async Task ExecuteAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancel);
    }

    private static Task DropAsync(NpgsqlDataSource database, string trigger) => ExecuteAsync(database, $"drop function {trigger} cascade");

    /// <summary>A ticket that runs, and that the database does not let change in one way.</summary>
    private async Task<(string TicketId, string Trigger)> CreateCulpritAsync(
        NpgsqlDataSource database, string condition, string errorCode, int seconds = 2)
    {
        var ticketId = await app.CreateTicketAsync(await app.CreateUserAsync(), "simulated", $$"""{"seconds":{{seconds}}}""");
        var trigger = $"culprit_{Guid.NewGuid():N}";
        await ExecuteAsync(
            database,
            $"""
            create function {trigger}() returns trigger language plpgsql as $$
            begin
                if new.ticket_id = '{ticketId}' and {condition} then raise exception 'culprit' using errcode = '{errorCode}'; end if;
                return new;
            end $$;
            create trigger {trigger} before update on tickets for each row execute function {trigger}()
            """);
        return (ticketId, trigger);
    }

    /// <summary>Tickets that end while the culprit cannot, and after it could not for the first time.</summary>
    private async Task FinishOthersAsync()
    {
        var userId = await app.CreateUserAsync();
        var others = await Task.WhenAll(Enumerable.Range(0, 10).Select(i =>
            app.CreateTicketAsync(userId, "simulated", $$"""{"seconds":{{i / 2}}}""")));
        await Task.WhenAll(others.Select(app.FinishAsync));
    }
}
