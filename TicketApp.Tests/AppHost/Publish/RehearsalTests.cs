using System.Globalization;
using System.Net;
using Npgsql;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>
/// What deploy/README.md says about a running deployment, done here, with callers who count every request that is not answered as it
/// should be. Minutes long, so not part of a test run; the nightly workflow starts it, with the build of the commit before.
/// </summary>
public sealed class RehearsalTests(ITestOutputHelper output)
{
    private const int Callers = 30;
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private readonly RehearsalCallers _callers = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Explicit = true)]
    public Task An_update_and_its_rollback_lose_no_request() => RehearseAsync(async app =>
    {
        await app.RollAsync(Repository.Root);
        output.WriteLine($"Updated from {RehearsalApp.Previous} to {Repository.Root}: {Count()}");
        await app.RollAsync(RehearsalApp.Previous);
        output.WriteLine($"Rolled back: {Count()}");
    });

    [Fact(Explicit = true)]
    public Task A_rotation_of_the_secrets_loses_no_request() => RehearseAsync(async app =>
    {
        var (database, old) = (app.ApiDatabase, app.CurrentAdminKey);
        await app.RotateAsync();
        output.WriteLine($"Rotated: {Count()}");

        await using NpgsqlConnection refused = new(new NpgsqlConnectionStringBuilder(database) { Pooling = false }.ConnectionString);
        Assert.Equal("28P01", (await Assert.ThrowsAsync<PostgresException>(() => refused.OpenAsync(Cancel))).SqlState);
        using HttpClient http = new() { BaseAddress = app.Address };
        Assert.Equal(HttpStatusCode.Unauthorized, (await RehearsalCallers.SendAsync(http, HttpMethod.Post, "/v1/users", old)).Status);
        var (status, _) = await RehearsalCallers.SendAsync(http, HttpMethod.Post, "/v1/users", app.CurrentAdminKey);
        Assert.Equal(HttpStatusCode.Created, status);
    });

    [Fact(Explicit = true)]
    public async Task A_restore_gives_back_every_ticket()
    {
        var dump = Path.Combine(Publication.NewFolder(), "tickets.dump");
        KeyValuePair<string, RehearsalCallers.Answer>[] dumped = [];
        await RehearseAsync(
            async app =>
            {
                dumped = [.. _callers.Answers];
                await app.PostgresAsync("pg_dump", "-Fc", "-f", dump, "tickets");
                var count = _callers.Answers.Count;
                await Eventually.IsTrueAsync("Tickets that are not in the dump", _limit, () => _callers.Answers.Count > count + Callers);
            },
            async app =>
            {
                await app.StopApiAsync();
                await app.PostgresAsync("pg_restore", "-d", "tickets", "--clean", "--if-exists", dump);
                await app.StartApiAsync();

                using HttpClient http = new() { BaseAddress = app.Address };
                foreach (var (id, answer) in dumped)
                {
                    var (status, ticket) = await RehearsalCallers.SendAsync(http, HttpMethod.Get, $"/v1/tickets/{id}", answer.Key);
                    Assert.Equal(HttpStatusCode.OK, status);
                    Assert.Equal(answer.Ticket, ticket!.ToJsonString());
                }

                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{dumped.Length} tickets restored"));
                // And it works.
                var caller = _callers.Answers.Count;
                using CancellationTokenSource stop = new();
                var call = _callers.CallAsync(app.Address, app.CurrentAdminKey, stop.Token);
                await Eventually.IsTrueAsync("A further ticket", _limit, () => _callers.Answers.Count > caller);
                await stop.CancelAsync();
                await call;
                Assert.Empty(_callers.Faults);
            });
    }

    private string Count() => _callers.ToString();

    private async Task RehearseAsync(Func<RehearsalApp, Task> whileCalled, Func<RehearsalApp, Task>? afterwards = null)
    {
        RehearsalApp app = new();
        await app.StartAsync();
        try
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            var callers = Enumerable.Range(0, Callers)
                .Select(_ => _callers.CallAsync(app.Address, app.CurrentAdminKey, stop.Token)).ToArray();
            await Eventually.IsTrueAsync(
                "Tickets are answered", _limit, () => !_callers.Faults.IsEmpty || _callers.Answers.Count >= Callers);
            Assert.Empty(_callers.Faults);
            await whileCalled(app);
            await stop.CancelAsync();
            await Task.WhenAll(callers);
            output.WriteLine(Count());
            Assert.Empty(_callers.Faults);
            await (afterwards?.Invoke(app) ?? Task.CompletedTask);
        }
        finally
        {
            await app.StopAsync();
        }
    }
}
