using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Npgsql;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Faults;

/// <summary>A database that answers, but wrongly: as in a failover, a rotation of passwords or a setting that went wrong.</summary>
[Collection(FaultCollection.Name)]
public sealed class WrongAnswerTests(FaultApp app)
{
    private const int Tickets = 20;
    private const string BothHealthy = "Healthy\nHealthy";
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    // The runs end while the database is broken.
    private static readonly TimeSpan _runs = TimeSpan.FromSeconds(6);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(
        "alter database tickets set default_transaction_read_only = on",
        "alter database tickets reset default_transaction_read_only",
        "is read-only")]
    [InlineData("alter role ticketapp set statement_timeout = '1ms'", "alter role ticketapp reset statement_timeout", "cancels statements")]
    [InlineData("alter role ticketapp nologin", "alter role ticketapp login", "refuses the login")]
    public async Task No_result_is_lost_and_no_run_repeated(string fault, string repair, string word)
    {
        // What the test before broke may still show.
        Assert.Equal(BothHealthy, await Eventually.LastAsync(_limit, HealthAsync, health => health == BothHealthy));
        var userId = await app.CreateUserAsync();
        var input = $$"""{"seconds":{{_runs.TotalSeconds}}}""";
        var tickets = await Task.WhenAll(Enumerable.Range(0, Tickets).Select(_ => app.CreateTicketAsync(userId, "simulated", input)));
        await Task.WhenAll(tickets.Select(ticket => Eventually.IsTrueAsync("It runs", _limit, async () =>
            (await ShowAsync(ticket))["status"]!.GetValue<string>() == "running")));
        var errors = app.Errors.All.Count();
        await using NpgsqlConnection operators = new(new NpgsqlConnectionStringBuilder(app.Database) { Pooling = false }.ConnectionString);
        await operators.OpenAsync(Cancel);
        await ExecuteAsync(operators, "set default_transaction_read_only = off; set statement_timeout = 0");

        await ExecuteAsync(operators, fault);
        try
        {
            await ExecuteAsync(
                operators, "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname is not null");
            await Eventually.IsTrueAsync("Callers are told to come back", _limit, async () =>
            {
                using var answer = await app.Api.PostAsJsonAsync("/ticket", new JsonObject { ["user_id"] = userId }, Cancel);
                Assert.Contains(answer.StatusCode, new[] { HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable });
                return answer is { StatusCode: HttpStatusCode.ServiceUnavailable, Headers.RetryAfter: not null };
            });
            await Eventually.IsTrueAsync("Health says why", _limit, async () =>
            {
                using var health = await app.Replica(0).GetAsync(new Uri("/health", UriKind.Relative), Cancel);
                return (await health.Content.ReadAsStringAsync(Cancel)).Contains(word, StringComparison.Ordinal);
            });
            using PeriodicTimer broken = new(_runs);
            await broken.WaitForNextTickAsync(Cancel);
        }
        finally
        {
            // Sessions from before the repair stay as they are: that they do not stay for ever is the application's affair.
            await ExecuteAsync(operators, repair);
        }

        await Eventually.IsTrueAsync("A new ticket is accepted", _limit, async () =>
        {
            using var answer = await app.Api.PostAsJsonAsync("/ticket", new JsonObject { ["user_id"] = userId }, Cancel);
            return answer.StatusCode == HttpStatusCode.OK;
        });
        foreach (var ticket in tickets)
        {
            await app.FinishAsync(ticket);
            var shown = await ShowAsync(ticket);
            Assert.Equal(("succeeded", 1), (shown["status"]!.GetValue<string>(), shown["attempt"]!.GetValue<int>()));
        }

        Assert.Equal(errors, app.Errors.All.Count());
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using NpgsqlCommand command = new(sql, connection);
        await command.ExecuteNonQueryAsync(Cancel);
    }

    /// <summary>What the two replicas say of themselves.</summary>
    private async Task<string?> HealthAsync()
    {
        return string.Join('\n', await Task.WhenAll(Enumerable.Range(0, 2).Select(OfAsync)));

        async Task<string> OfAsync(int replica)
        {
            using var health = await app.Replica(replica).GetAsync(new Uri("/health", UriKind.Relative), Cancel);
            return await health.Content.ReadAsStringAsync(Cancel);
        }
    }

    private async Task<JsonObject> ShowAsync(string ticket) =>
        (await app.Api.GetFromJsonAsync<JsonObject>($"/v1/tickets/{ticket}", Cancel))!;
}
