using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Npgsql;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Faults;

/// <summary>
/// Submits tickets at a steady rate while something goes wrong, and afterwards holds the system to every 200 that it gave.
/// </summary>
internal sealed class Ledger(RunningApp app)
{
    private const int Clients = 8;
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(60);
    private static readonly TimeSpan _endLimit = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan _requestLimit = TimeSpan.FromSeconds(15);

    private readonly ParallelOptions _readers = new() { MaxDegreeOfParallelism = Clients };
    private readonly ConcurrentBag<string> _accepted = [];
    private int _refused;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public int Accepted => _accepted.Count;

    public int Refused => _refused;

    /// <summary>Tickets that ended with an answer and were read again, the same.</summary>
    public int Held { get; private set; }

    /// <summary>Runs <paramref name="fault"/> under load, which continues for a while after it, and checks every ticket.</summary>
    /// <returns>The ledger, every entry of which held.</returns>
    public static Task<Ledger> CheckAsync(RunningApp app, Func<Task> fault) => CheckAsync(app, _ => fault());

    /// <inheritdoc cref="CheckAsync(RunningApp, Func{Task})"/>
    public static async Task<Ledger> CheckAsync(RunningApp app, Func<Ledger, Task> fault)
    {
        Ledger ledger = new(app);
        // The fault of the test before may still show: a pooled connection to a database that was killed answers 503 once.
        var userId = await Eventually.GetAsync("A user", _endLimit, ledger.TryCreateUserAsync);
        using CancellationTokenSource enough = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var clients = Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => ledger.SubmitAsync(userId, enough.Token)));
        await ledger.UntilAcceptedAsync(20);
        await fault(ledger);
        await ledger.UntilAcceptedAsync(20);
        await enough.CancelAsync();
        await clients;
        await ledger.CheckAsync();
        return ledger;
    }

    private async Task<string?> TryCreateUserAsync()
    {
        using var response = await app.Api.PostAsync("/user", null, Cancel);
        if (response.StatusCode != HttpStatusCode.OK)
        {
            return null;
        }

        var user = await response.Content.ReadFromJsonAsync<JsonObject>(Cancel);
        return user!["user_id"]!.GetValue<string>();
    }

    private Task UntilAcceptedAsync(int more)
    {
        var target = _accepted.Count + more;
        return Eventually.IsTrueAsync($"{more} more tickets accepted", _endLimit, () => _accepted.Count >= target);
    }

    private async Task SubmitAsync(string userId, CancellationToken enough)
    {
        using PeriodicTimer timer = new(_pause);
        while (await timer.WaitForNextTickAsync(enough).AsTask().ContinueWith(tick => tick.IsCompletedSuccessfully, TaskScheduler.Default))
        {
            try
            {
                // A request that was sent is waited for, so that its ticket is on the ledger if it got a 200.
                using CancellationTokenSource limit = new(_requestLimit);
                using var response = await app.Api.PostAsJsonAsync("/ticket", new JsonObject { ["user_id"] = userId }, limit.Token);
                if (response.StatusCode == HttpStatusCode.OK)
                {
                    _accepted.Add((await response.Content.ReadFromJsonAsync<JsonObject>(Cancel))!["ticket_id"]!.GetValue<string>());
                    continue;
                }

                Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
                Assert.NotNull(response.Headers.RetryAfter);
            }
            catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException or IOException)
            {
                // The replica that had it is gone: no 200, no promise.
            }

            Interlocked.Increment(ref _refused);
        }
    }

    private async Task CheckAsync()
    {
        ConcurrentDictionary<string, string> answers = [];
        await Parallel.ForEachAsync(_accepted, _readers, async (ticketId, _) => answers[ticketId] = await EndOfAsync(ticketId));

        // Whatever is still in progress (repeated messages, late results, ended leases) must change nothing.
        await Eventually.IsTrueAsync("Nothing open", _endLimit, () => Ask("select count(*) from tickets where time_finished is null") == 0);
        await Parallel.ForEachAsync(answers, _readers, async (ticket, _) => Assert.Equal(ticket.Value, await EndOfAsync(ticket.Key)));
        Held = answers.Count;

        // All that lock many rows do so in one order, whatever goes wrong.
        Assert.Equal(0, Ask("select deadlocks from pg_stat_database where datname = current_database()"));
    }

    private Task<string> EndOfAsync(string ticketId) => Eventually.GetAsync($"Ticket {ticketId} ended", _endLimit, async () =>
    {
        try
        {
            using var response = await app.Api.GetAsync($"/ticket?ticket_id={ticketId}", Cancel);
            Assert.Contains(response.StatusCode, new[] { HttpStatusCode.OK, HttpStatusCode.Accepted, HttpStatusCode.ServiceUnavailable });
            return response.StatusCode == HttpStatusCode.OK ? await response.Content.ReadAsStringAsync(Cancel) : null;
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            return null;
        }
    });

    private long Ask(string sql)
    {
        using var database = NpgsqlDataSource.Create(app.Database);
        using var command = database.CreateCommand(sql);
        return (long)command.ExecuteScalar()!;
    }
}
