using System.Text;
using System.Text.Json;
using TicketApp.Messaging;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Conformance;

/// <summary>
/// Whether a worker keeps to docs/worker-protocol.md. The suite plays the API; what each worker says is checked against the schemas. With
/// a command in <c>TICKETAPP_CONFORMANCE_COMMAND</c> it tests the worker that this starts (<see cref="ConformanceWorker"/>).
/// </summary>
[Collection(FaultCollection.Name)]
public sealed class ConformanceTests(FaultApp app, ConformanceSuite suite) : IClassFixture<ConformanceSuite>
{
    private const string Quick = """{"seconds":0}""";
    private const string Visible = """{"seconds":1.2}""";
    private const string Endless = """{"seconds":600}""";
    private const string Trace = "0af7651916cd43dd8448eb211c80319c";

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    [Fact]
    public Task It_offers_what_it_serves() => ForEachAsync(async (tested, broker) =>
    {
        var beat = await broker.FirstAsync("A heartbeat", told => told.Type == "heartbeat" && told.Text("worker") == tested.Instance);

        var offer = Assert.Single(beat.Json.GetProperty("models").EnumerateArray());
        Assert.Equal(("simulated", 4), (offer.GetProperty("name").GetString(), offer.GetProperty("slots").GetInt32()));
    });

    [Fact]
    public Task A_ticket_is_finished_once_under_its_epoch_and_in_its_trace() => ForEachAsync(async (tested, broker) =>
    {
        var ticket = New(Quick) with { Epoch = 7, TraceParent = $"00-{Trace}-b7ad6b7169203331-01" };

        await broker.SendAsync(ticket);
        var end = await broker.ReportAsync(ticket, "finished");

        Assert.Equal((ticket.UserId.ToString(), tested.Instance), (end.Text("user_id"), end.Text("worker")));
        Assert.Contains(Trace, end.Text("trace_parent"), StringComparison.Ordinal);
        await AssertNothingMoreAsync(broker, ticket, "finished");
    });

    [Fact]
    public Task A_model_that_fails_fails_its_attempt() => ForEachAsync(async (_, broker) =>
    {
        var ticket = New("""{"seconds":0,"fail":"no luck"}""");

        await broker.SendAsync(ticket);
        var end = await broker.ReportAsync(ticket, "failed");

        Assert.Equal(("model_error", "no luck"), (end.Text("error_type"), end.Text("error_message")));
        Assert.False(end.Json.TryGetProperty("is_final", out var isFinal) && isFinal.GetBoolean());
    });

    [Fact]
    public Task An_input_is_any_JSON_value() => ForEachAsync(async (_, broker) =>
    {
        Payload?[] inputs = [null, "a text", Json("[1,{}]"), Json("1.5e3"), Json("true")];
        TicketMessage[] tickets = [.. inputs.Select(input => New(Quick) with { Input = input })];
        var command = New(Quick) with { Input = Json("""{"seconds":0,"fail":"told as JSON"}""") };

        await broker.SendAsync([.. tickets, command]);

        Assert.Equal("told as JSON", (await broker.ReportAsync(command, "failed")).Text("error_message"));
        await Task.WhenAll(tickets.Select(ticket => broker.ReportAsync(ticket, "finished")));

        static Payload Json(string json) => new(json, IsJson: true);
    });

    [Fact]
    public Task A_run_that_lasts_is_started_and_tells_how_far_it_is() => ForEachAsync(async (_, broker) =>
    {
        var ticket = New("""{"seconds":1.2,"progress":true}""");

        await broker.SendAsync(ticket);
        await broker.ReportAsync(ticket, "finished");

        Assert.Equal(["started", "finished"], broker.TypesOf(ticket));
        var started = broker.All.Single(told => told.IsOf(ticket) && told.Type == "started");
        Assert.InRange(started.Number("execution_timeout_milliseconds")!.Value, 1, int.MaxValue);
        var progress = broker.All.Where(told => told.IsOf(ticket) && told.Type == "progress").ToArray();
        Assert.Equal(Enumerable.Range(1, progress.Length), progress.Select(told => told.Number("sequence")!.Value));
        var fractions = progress.Select(told => told.Json.GetProperty("fraction").GetDouble()).ToArray();
        Assert.NotEmpty(fractions);
        Assert.Equal(fractions.Order(), fractions);
    });

    [Fact]
    public Task A_run_stops_when_it_is_not_wanted_and_another_one_does_not() => ForEachAsync(async (_, broker) =>
    {
        var (unwanted, other) = (New(Endless), New(Visible));
        await Task.WhenAll(broker.SendAsync(unwanted), broker.SendAsync(other));
        await broker.ReportAsync(unwanted, "started");

        await broker.CancelAsync(unwanted);
        await broker.CancelAsync(other with { Epoch = other.Epoch + 1 });

        await broker.ReportAsync(unwanted, "returned");
        await broker.ReportAsync(other, "finished");
        await AssertNothingMoreAsync(broker, unwanted, "started", "returned");
    });

    [Fact]
    public Task A_run_stops_though_somebody_deleted_what_its_worker_hears_by() => ForEachAsync(async (_, broker) =>
    {
        var unwanted = New(Endless);
        await broker.SendAsync(unwanted);
        await broker.ReportAsync(unwanted, "started");

        await broker.DeleteBindingsAsync();

        await StopAsync(broker, unwanted);
    });

    [Fact]
    public Task A_ticket_that_is_not_wanted_before_it_comes_is_not_run() => ForEachAsync(async (_, broker) =>
    {
        var (unwanted, ticket) = (New(Visible), New(Visible));
        await broker.CancelAsync(ticket);
        await broker.CancelAsync(unwanted);
        // Notices and tickets come over different channels: once this one has ended, both notices are there.
        await broker.SendAsync(unwanted);
        await broker.ReportAsync(unwanted, "returned");

        await broker.SendAsync(ticket);

        await broker.ReportAsync(ticket, "returned");
        await AssertNothingMoreAsync(broker, ticket, "returned");
    });

    [Fact]
    public Task A_ticket_that_somebody_else_had_is_not_run() => ForEachAsync(async (_, broker) =>
    {
        var ticket = New(Quick);

        await broker.SendRedeliveredAsync(ticket);

        await broker.ReportAsync(ticket, "redelivered");
        await AssertNothingMoreAsync(broker, ticket, "redelivered");
    });

    [Fact]
    public Task Each_epoch_of_a_ticket_ends_for_itself_and_late_results_are_told() => ForEachAsync(async (_, broker) =>
    {
        var earlier = New(Visible);
        var later = earlier with { Epoch = 2, Attempt = 2, Input = Quick };
        await broker.SendAsync(earlier);
        await broker.ReportAsync(earlier, "started");

        await broker.SendAsync(later);

        await broker.ReportAsync(later, "finished");
        Assert.Equal(["started"], broker.TypesOf(earlier));
        await broker.ReportAsync(earlier, "finished");
        await AssertNothingMoreAsync(broker, later, "finished");
    });

    [Fact]
    public Task What_cannot_be_read_goes_to_errors_and_takes_nothing_with_it() => ForEachAsync(async (_, broker) =>
    {
        var mark = Guid.NewGuid().ToString();
        TicketMessage[] good = [New(Quick), New(Quick)];
        var (first, second) = (Text(good[0]), Text(good[1]));

        await broker.SendAsync(Encoding.UTF8.GetBytes($"{{\"whole\":\"{mark}\""));
        await broker.SendAsync(Encoding.UTF8.GetBytes($"[{first},{{\"element\":\"{mark}\"}},{second}]"));
        await broker.SendAsync(new byte[] { 0xFF, 0xFE });

        foreach (var ticket in good)
        {
            await broker.ReportAsync(ticket, "finished");
        }

        var whole = await ErrorAsync("whole");
        Assert.Equal(("tickets", "unreadable", "utf-8"), (whole.Text("queue"), whole.Text("reason"), whole.Text("body_encoding")));
        var element = await ErrorAsync("element");
        Assert.DoesNotContain(good[0].TicketId.ToString(), element.Text("body"), StringComparison.Ordinal);
        await broker.FirstAsync("What is no text", told => told.Queue == "errors" && told.Text("body") == "//4=");

        Task<Told> ErrorAsync(string member) => broker.FirstAsync($"The {member} in errors", told => told.Queue == "errors"
            && told.Text("body")?.Contains($"\"{member}\"", StringComparison.Ordinal) == true
            && told.Text("body")!.Contains(mark, StringComparison.Ordinal));
    });

    [Fact]
    public Task What_it_does_not_know_is_ignored() => ForEachAsync(async (_, broker) =>
    {
        var (ticket, unwanted) = (New(Quick), New(Endless));
        await broker.SendAsync(unwanted);
        await broker.ReportAsync(unwanted, "started");

        await broker.SendAsync(Encoding.UTF8.GetBytes($"{{\"added\":{{\"later\":[1]}},{Text(ticket)[1..]}"));
        await broker.TellAsync("""{"added":{"later":[1]}}"""u8.ToArray());
        await broker.TellAsync(Encoding.UTF8.GetBytes(
            $"{{\"added\":1,\"runs\":[{{\"ticket_id\":\"{unwanted.TicketId}\",\"epoch\":1,\"added\":1}}]}}"));

        await broker.ReportAsync(ticket, "finished");
        await broker.ReportAsync(unwanted, "returned");
    });

    [Fact]
    public Task Tickets_that_share_a_message_run_in_its_slots_and_none_that_waited_too_long() => ForEachAsync(async (_, broker) =>
    {
        TicketMessage[] tickets = [.. Enumerable.Range(0, 6).Select(_ => New(Visible))];
        var stale = New(Quick) with { StartWithinSeconds = 1 };

        await broker.SendAsync([.. tickets.Take(4), stale, .. tickets.Skip(4)]);

        await Task.WhenAll(tickets.Select(ticket => broker.ReportAsync(ticket, "finished")));
        var running = broker.All.Where(told => tickets.Any(told.IsOf) && told.Type is "started" or "finished")
            .Aggregate((Now: 0, Most: 0), (count, told) =>
                told.Type == "started" ? (count.Now + 1, Math.Max(count.Most, count.Now + 1)) : (count.Now - 1, count.Most));
        Assert.Equal((0, 4), running);
        await AssertNothingMoreAsync(broker, stale);
    });

    [Fact]
    public Task A_run_that_takes_too_long_fails() => ForEachAsync(async (_, broker) =>
    {
        var ticket = New(Endless) with { ExecutionTimeoutSeconds = 1 };

        await broker.SendAsync(ticket);

        Assert.Equal("execution_timeout", (await broker.ReportAsync(ticket, "failed")).Text("error_type"));
        Assert.Equal(1000, (await broker.ReportAsync(ticket, "started")).Number("execution_timeout_milliseconds"));
    });

    [Fact]
    public Task A_stop_finishes_or_returns_what_runs_and_leaves_no_message_behind() => ForEachAsync(async (tested, broker) =>
    {
        var (quick, endless) = (New(Visible), New(Endless));
        await Task.WhenAll(broker.SendAsync(quick), broker.SendAsync(endless));
        await Task.WhenAll(broker.ReportAsync(quick, "started"), broker.ReportAsync(endless, "started"));

        Assert.Equal(0, await tested.StopAsync());

        await broker.ReportAsync(quick, "finished");
        await broker.ReportAsync(endless, "returned");
        var last = await broker.FirstAsync("The last heartbeat", told => told.Type == "heartbeat"
            && told.Text("worker") == tested.Instance && told.Json.GetProperty("models").GetArrayLength() == 0);
        Assert.NotNull(last);
        Assert.Equal(0u, await broker.WaitingAsync());
    });

    [Fact]
    public Task A_worker_that_is_killed_leaves_its_ticket_to_the_next_which_does_not_run_it() => ForEachAsync(async (tested, broker) =>
    {
        var ticket = New(Endless);
        await broker.SendAsync(ticket);
        var before = (await broker.ReportAsync(ticket, "started")).Text("worker");

        await tested.KillAsync();
        await tested.StartAsync();

        Assert.NotEqual(before, (await broker.ReportAsync(ticket, "redelivered")).Text("worker"));
        await AssertNothingMoreAsync(broker, ticket, "started", "redelivered");
    });

    /// <summary>One restart for all workers: it takes longer than all the rest.</summary>
    [Fact]
    public async Task A_restart_of_the_broker_ends_no_run_and_loses_no_result()
    {
        var all = await Task.WhenAll(ConformanceWorker.Available.Select(async worker =>
        {
            var broker = (await suite.StartAsync(app, worker)).Broker;
            var (ending, running) = (New("""{"seconds":3}"""), New(Endless));
            await Task.WhenAll(broker.SendAsync(ending), broker.SendAsync(running));
            await Task.WhenAll(broker.ReportAsync(ending, "started"), broker.ReportAsync(running, "started"));
            return (Broker: broker, Ending: ending, Running: running);
        }));
        var server = Assert.Single(app.InstancesOf("rabbitmq"));
        await app.KillAsync(server);
        var told = Array.ConvertAll(all, worker => worker.Broker.All.Count);

        await app.StartAsync(server);

        await Task.WhenAll(all.Zip(told, async (worker, before) =>
        {
            var (broker, ending, running) = worker;
            await broker.WhenReadyAsync();
            await broker.ReportAsync(ending, "finished");
            await Eventually.IsTrueAsync("A heartbeat", _limit, () => broker.All.Skip(before).Any(beat => beat.Names(running)));
            await StopAsync(broker, running);
            // A report that the broker had stored and not confirmed is sent again.
            await AssertNothingMoreAsync(broker, ending, WithoutRepetitions, "started", "finished");
            await AssertNothingMoreAsync(broker, running, WithoutRepetitions, "started", "returned");
        }));

        static IEnumerable<string> WithoutRepetitions(IReadOnlyList<string> told) =>
            told.Where((type, i) => i == 0 || told[i - 1] != type);
    }

    private static TicketMessage New(string input) => new()
    {
        TicketId = Guid.CreateVersion7(),
        UserId = Guid.CreateVersion7(),
        Model = ModelNames.Simulated,
        Input = input,
        Attempt = 1,
        Epoch = 1,
        StartWithinSeconds = 25,
        Deadline = DateTimeOffset.UtcNow.AddMinutes(5),
    };

    private static string Text(TicketMessage ticket) => JsonSerializer.Serialize(ticket, ContractJson.Default.TicketMessage);

    /// <summary>Says that a run is not wanted until it has stopped, as the API does: nobody may be there yet to hear it.</summary>
    private static Task StopAsync(ConformanceBroker broker, TicketMessage ticket) => Eventually.IsTrueAsync("It stops", _limit, async () =>
    {
        await broker.CancelAsync(ticket);
        return broker.TypesOf(ticket).Contains("returned");
    });

    /// <summary>
    /// All that was said of a ticket, once the worker has said more of a later one. That a message came again after its run had ended, as
    /// it may after a lost connection, means nothing.
    /// </summary>
    private static Task AssertNothingMoreAsync(ConformanceBroker broker, TicketMessage ticket, params string[] types) =>
        AssertNothingMoreAsync(broker, ticket, told => told, types);

    private static async Task AssertNothingMoreAsync(
        ConformanceBroker broker, TicketMessage ticket, Func<IReadOnlyList<string>, IEnumerable<string>> told, params string[] types)
    {
        var later = New(Quick);
        await broker.SendAsync(later);
        await broker.ReportAsync(later, "finished");
        string[] all = [.. told(broker.TypesOf(ticket))];
        Assert.Equal(types, all is [.. var ended, "redelivered"] && ended is [.., "finished" or "returned"] ? ended : all);
    }

    /// <summary>Checks all workers at once: most of the time they wait.</summary>
    private Task ForEachAsync(Func<TestedWorker, ConformanceBroker, Task> check) =>
        Task.WhenAll(ConformanceWorker.Available.Select(async worker =>
        {
            try
            {
                var tested = await suite.StartAsync(app, worker);
                await check(tested, tested.Broker);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                throw new InvalidOperationException($"The worker {worker.Name}: {exception.Message}", exception);
            }
        }));
}
