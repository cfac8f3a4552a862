using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Auth;
using TicketApp.Api.Completion;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Tickets;
using TicketApp.Messaging;

namespace TicketApp.Simulation;

/// <summary>
/// Two replicas' dispatching, reporting and rescuing, with everything but the statements left out: no broker, and workers that
/// answer a batch at a time. Now and then a newcomer submits one ticket, and halfway through a tenth of all workers dies.
/// </summary>
internal sealed class DispatchSimulation(NpgsqlDataSource database, SimulationSize size)
{
    private const int Replicas = 2;
    private const int MaxDispatch = 500;

    private readonly IOptions<DispatchOptions> _dispatch = Options.Create(new DispatchOptions());
    private readonly IOptions<LimitOptions> _limits = Options.Create(new LimitOptions());
    private readonly IOptions<TicketOptions> _tickets = Options.Create(new TicketOptions { Deadline = TimeSpan.FromDays(1) });
    private readonly ConcurrentQueue<TicketMessage> _running = new();
    private readonly ConcurrentQueue<double> _queries = new();
    private readonly ConcurrentQueue<double> _dispatches = new();
    private readonly ConcurrentQueue<double> _reports = new();
    private readonly ConcurrentDictionary<Guid, long> _newcomers = new();
    private readonly ConcurrentQueue<long> _overtaken = new();
    private long _dispatched;
    private long _finished;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        await RunForAsync(size.Duration / 2, cancellationToken);
        await LoseWorkersAsync(cancellationToken);
        await RunForAsync(size.Duration / 2, cancellationToken);
        Print(Stopwatch.GetElapsedTime(started));
    }

    private async Task RunForAsync(TimeSpan duration, CancellationToken cancellationToken)
    {
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        over.CancelAfter(duration);
        await Task.WhenAll(
            [.. Enumerable.Range(0, Replicas).Select(_ => DispatchAsync(over.Token)), AnswerAsync(over.Token), SubmitAsync(over.Token)]);
    }

    /// <summary>What <see cref="Dispatcher"/> does, without its pauses.</summary>
    private async Task DispatchAsync(CancellationToken over)
    {
        DispatchStore store = new(database, _dispatch, _limits);
        DispatchWindows windows = new(_dispatch, TimeProvider.System);
        var window = windows.Of(ModelNames.Simulated);
        var replica = Guid.CreateVersion7();
        await store.AnnounceAsync(replica, CancellationToken.None);
        while (!over.IsCancellationRequested)
        {
            windows.Refresh(await TimedAsync(_queries, () => store.QueryAsync(replica, CancellationToken.None)));
            var granted = window.AcquireForBacklog(MaxDispatch);
            if (granted == 0)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(1), CancellationToken.None);
                continue;
            }

            var dispatched = await TimedAsync(
                _dispatches, () => store.DispatchAsync(ModelNames.Simulated, granted, CancellationToken.None));
            window.Committed(dispatched.Count);
            var before = Interlocked.Add(ref _dispatched, dispatched.Count) - dispatched.Count;
            foreach (var ticket in dispatched)
            {
                before++;
                if (_newcomers.TryRemove(ticket.TicketId, out var dispatchedAtSubmit))
                {
                    _overtaken.Enqueue(before - dispatchedAtSubmit);
                }

                _running.Enqueue(ticket);
            }
        }

        await store.LeaveAsync(replica, CancellationToken.None);
    }

    private async Task AnswerAsync(CancellationToken over)
    {
        ReportStore store = new(database, _dispatch, _tickets);
        while (!over.IsCancellationRequested)
        {
            List<WorkerReport> reports = [];
            while (reports.Count < MaxDispatch && _running.TryDequeue(out var ticket))
            {
                reports.Add(new()
                {
                    Worker = "worker-1",
                    TicketId = ticket.TicketId,
                    UserId = ticket.UserId,
                    Epoch = ticket.Epoch,
                    Response = "Happy message",
                    RunMilliseconds = 1,
                });
            }

            if (reports.Count == 0)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(1), CancellationToken.None);
                continue;
            }

            var outcome = await TimedAsync(_reports, () => store.ApplyAsync(reports, CancellationToken.None));
            _finished += outcome.Ended.Count;
        }
    }

    private async Task SubmitAsync(CancellationToken over)
    {
        TicketStore store = new(_tickets, _dispatch);
        while (!over.IsCancellationRequested)
        {
            NewTicket ticket = new(Guid.CreateVersion7(), Guid.CreateVersion7());
            await using (var user = database.CreateCommand($"insert into users (user_id) values ('{ticket.UserId}')"))
            {
                await user.ExecuteNonQueryAsync(CancellationToken.None);
            }

            _newcomers[ticket.TicketId] = Interlocked.Read(ref _dispatched);
            await using (var connection = await database.OpenConnectionAsync(CancellationToken.None))
            {
                await store.CreateAsync(connection, [ticket], dispatch: 0);
            }

            await Task.Delay(TimeSpan.FromMilliseconds(200), CancellationToken.None);
        }
    }

    /// <summary>A tenth of what runs is never answered. Time is made to pass for its leases; then the rescue takes it back.</summary>
    private async Task LoseWorkersAsync(CancellationToken cancellationToken)
    {
        Dictionary<Guid, TicketMessage> all = _running.ToDictionary(ticket => ticket.TicketId);
        TicketMessage[] lost = [.. all.Values.Take(Math.Max(1, all.Count / 10))];
        ReportStore reports = new(database, _dispatch, _tickets);
        var starts = lost.Select(ticket => new WorkerReport
        {
            Type = ReportType.Started,
            Worker = "worker-1",
            TicketId = ticket.TicketId,
            UserId = ticket.UserId,
            Epoch = ticket.Epoch,
        });
        await reports.ApplyAsync([.. starts], cancellationToken);
        await using (var pass = database.CreateCommand("update tickets set lease_expires = now() where status = 'running'"))
        {
            await pass.ExecuteNonQueryAsync(cancellationToken);
        }

        _running.Clear();
        foreach (var ticket in all.Values.Except(lost))
        {
            _running.Enqueue(ticket);
        }

        RescueStore rescues = new(database, _tickets);
        var started = Stopwatch.GetTimestamp();
        var requeued = 0;
        while ((await rescues.RescueExpiredAsync(RescueStore.MaxBatch, [], cancellationToken)).Sum(outcome => outcome.Requeued)
            is > 0 and var count)
        {
            requeued += count;
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{lost.Length:N0} tickets lost their workers; {requeued:N0} were back in the backlog "
            + $"{Stopwatch.GetElapsedTime(started).TotalMilliseconds:F0} ms after their leases ended"));
    }

    private static async Task<T> TimedAsync<T>(ConcurrentQueue<double> times, Func<Task<T>> call)
    {
        var started = Stopwatch.GetTimestamp();
        var result = await call();
        times.Enqueue(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        return result;
    }

    private void Print(TimeSpan elapsed)
    {
        var (dispatched, finished) = (_dispatched / elapsed.TotalSeconds, _finished / elapsed.TotalSeconds);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{dispatched:N0} tickets dispatched a second, {finished:N0} finished"));
        PrintTimes("look into the window", _queries);
        PrintTimes($"dispatch of up to {MaxDispatch}", _dispatches);
        PrintTimes($"report of up to {MaxDispatch} results", _reports);
        long[] overtaken = [.. _overtaken.Order()];
        Console.WriteLine(overtaken.Length == 0
            ? "no newcomer was dispatched"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{overtaken.Length} newcomers: {overtaken[overtaken.Length / 2]:N0} tickets were dispatched between a newcomer's "
                + $"submission and its dispatch (median), {overtaken[^1]:N0} at most; {_newcomers.Count} still waited"));
    }

    private static void PrintTimes(string what, ConcurrentQueue<double> times)
    {
        double[] sorted = [.. times.Order()];
        var (median, p99) = (sorted[sorted.Length / 2], sorted[(int)(sorted.Length * 0.99)]);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{what}: {sorted.Length:N0} times, p50 {median:F1} ms, p99 {p99:F1} ms, max {sorted[^1]:F1} ms"));
    }
}
