using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json;
using TicketApp.Bench.Load;
using TicketApp.Bench.Machine;
using TicketApp.Bench.Processes;
using TicketApp.Bench.Servers;

namespace TicketApp.Bench.Commands;

/// <summary>
/// Many callers that wait over three replicas, half of them by <c>Prefer: wait</c> and half as listeners of events: what each costs while
/// nothing happens, and how soon each is told.
/// </summary>
internal sealed class ListenersCommand : IBenchCommand
{
    private const int Count = 5_000;
    private const int Users = 50;
    private const int Batch = 100;
    private static readonly TimeSpan _run = TimeSpan.FromSeconds(70);
    private static readonly TimeSpan _idle = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan _settle = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(3);

    private static readonly Dictionary<string, string> _settings = new()
    {
        [TicketAppStarter.Replicas] = "3",
        ["Simulator__MinDuration"] = _run.ToString(),
        ["Simulator__MaxDuration"] = _run.ToString(),
        ["Worker__Concurrency"] = $"{Count}",
    };

    public string Name => "listeners";

    public string Description =>
        "5,000 callers that wait, over three Api replicas: CPU and memory of each, and how soon after the end each is told";

    public async Task RunAsync(BenchSession session, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_limit * session.Options.Rounds);
        await using var system = await session.TicketApp.StartAsync(_settings, limit.Token);
        // What is loaded and compiled at first use is no waiter's cost.
        using (Callers callers = new(system.Addresses, session.Options.Connections))
        {
            TicketLoad load = new() { Tickets = session.Options.WarmUpRequests / 4, Polling = null };
            await callers.RunAsync(load, limit.Token);
            await UntilAsync(system, "not exists (select from tickets where status = 'queued')", limit.Token);
        }

        using HttpClient client = new(new SocketsHttpHandler { MaxConnectionsPerServer = Count }) { Timeout = Timeout.InfiniteTimeSpan };
        for (var round = 1; round <= session.Options.Rounds; round++)
        {
            BenchSession.Say($"round {round} of {session.Options.Rounds}");
            await UntilAsync(system, "not exists (select from tickets where time_finished is null)", limit.Token);
            await MeasureAsync(session, system, client, limit.Token);
        }
    }

    private static async Task MeasureAsync(
        BenchSession session, SystemUnderTest system, HttpClient client, CancellationToken cancellationToken)
    {
        var tickets = await SubmitAsync(client, system, cancellationToken);
        await UntilAsync(system, $"count(*) = {Count} from tickets where status = 'running'", cancellationToken);
        // The runs and their heartbeats are no waiter's cost.
        var before = await IdleAsync("nobody waits");
        var memory = Memory();
        ConcurrentDictionary<Guid, DateTime> told = [];
        var waits = tickets.Select((ticket, number) => WaitAsync(
            client, system.Addresses[number % system.Addresses.Count], ticket, isListener: number % 2 == 0, told, cancellationToken));
        var waiting = Task.WhenAll([.. waits]);
        await Task.Delay(_settle, cancellationToken);
        var during = await IdleAsync("5,000 wait");
        session.Sheet.Add("5,000 wait", "told already", "", told.Count);
        session.Sheet.Add("5,000 wait", "memory a waiter", "kB", (Memory() - memory) * 1000 / Count);
        foreach (var (name, percent) in during)
        {
            session.Sheet.Add("5,000 wait", $"CPU of {name} for them, of one core", "%", percent - before[name]);
        }

        await waiting;
        var late = await LatenessAsync(system, told, cancellationToken);
        foreach (var (name, percent) in new[] { ("p50", 50.0), ("p99", 99.0), ("max", 100.0) })
        {
            session.Sheet.Add("5,000 wait", $"told after the end {name}", "ms", late.Percentile(percent));
        }

        session.Sheet.Add("5,000 wait", "never told", "", Count - told.Count);

        double Memory() => system.Replicas.Sum(replica => ProcessStatus.MemoryMegabytes(replica.Id));

        async Task<IReadOnlyDictionary<string, double>> IdleAsync(string subject)
        {
            var meter = CpuMeter.Start([.. system.Trees, .. session.Servers.Trees]);
            await Task.Delay(_idle, cancellationToken);
            var percent = meter.Stop().ToDictionary(cpu => cpu.Key, cpu => 100 * cpu.Value / _idle.TotalSeconds);
            foreach (var (name, value) in percent)
            {
                session.Sheet.Add(subject, $"CPU of {name}, of one core", "%", value);
            }

            return percent;
        }
    }

    private static async Task<IReadOnlyList<Guid>> SubmitAsync(
        HttpClient client, SystemUnderTest system, CancellationToken cancellationToken)
    {
        List<Guid> tickets = [];
        for (var user = 0; user < Users; user++)
        {
            using var created = await client.PostAsync(new Uri(system.Address, "/v1/users"), null, cancellationToken);
            var id = (await ReadAsync(created, cancellationToken)).GetProperty("id").GetString();
            var body = new { tickets = Enumerable.Range(0, Batch).Select(_ => new { user_id = id }) };
            using var answer = await client.PostAsJsonAsync(new Uri(system.Address, "/v1/tickets/batch"), body, cancellationToken);
            var items = (await ReadAsync(answer, cancellationToken)).GetProperty("results").EnumerateArray();
            tickets.AddRange(items.Select(item => item.GetProperty("ticket").GetProperty("id").GetGuid()));
        }

        return tickets;
    }

    private static async Task<JsonElement> ReadAsync(HttpResponseMessage answer, CancellationToken cancellationToken) =>
        answer.IsSuccessStatusCode
            ? await answer.Content.ReadFromJsonAsync<JsonElement>(cancellationToken)
            : throw new HttpRequestException(await answer.Content.ReadAsStringAsync(cancellationToken));

    private static async Task WaitAsync(
        HttpClient client,
        Uri address,
        Guid ticket,
        bool isListener,
        ConcurrentDictionary<Guid, DateTime> told,
        CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, new Uri(address, $"/v1/tickets/{ticket}{(isListener ? "/events" : "")}"));
        request.Headers.Add("Prefer", "wait=60");
        using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        using StreamReader text = new(await answer.EnsureSuccessStatusCode().Content.ReadAsStreamAsync(cancellationToken));
        while (await text.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line.Contains("\"status\":\"succeeded\"", StringComparison.Ordinal))
            {
                told[ticket] = DateTime.UtcNow;
                return;
            }
        }
    }

    /// <summary>From <c>time_finished</c>, the start of the transaction that ended the ticket, on the clock of this machine.</summary>
    private static async Task<Latencies> LatenessAsync(
        SystemUnderTest system, ConcurrentDictionary<Guid, DateTime> told, CancellationToken cancellationToken)
    {
        Latencies late = new();
        foreach (var (ticket, finished) in await LatencyRound.FinishedAsync(system.Database, [.. told.Keys], cancellationToken))
        {
            late.Add(told[ticket] - finished);
        }

        return late;
    }

    private static async Task UntilAsync(SystemUnderTest system, string condition, CancellationToken cancellationToken)
    {
        while (!await BenchServers.ScalarAsync<bool>(system.Database, "select " + condition, cancellationToken))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(200), cancellationToken);
        }
    }
}
