using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Npgsql;
using RabbitMQ.Client;
using TicketApp.Messaging;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Faults;

/// <summary>
/// Servers that have a stand-in are lost under load. Nothing is lost or changed with them, and no ticket pays for it with an
/// attempt. Not part of a test run; <c>./ticketapp bench chaos --ha</c> starts it.
/// </summary>
[Collection(HighAvailabilityCollection.Name)]
public sealed class HighAvailabilityTests(HighAvailabilityApp app, ITestOutputHelper output)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan _requestLimit = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan _readOnlyTime = TimeSpan.FromSeconds(5);

    private readonly ConcurrentQueue<Recovery> _recoveries = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Explicit = true)]
    public Task A_broker_and_the_primary_database_are_killed() => CheckAsync(async () =>
    {
        await KillBrokerAsync("the leader of responses killed", await app.LeaderOfAsync(QueueNames.Responses));
        await KillPrimaryAsync();
    });

    [Fact(Explicit = true)]
    public Task Brokers_of_a_cluster_are_killed_ten_times() => CheckAsync(async () =>
    {
        string[] queues = [QueueNames.Tickets, QueueNames.Responses];
        for (var i = 0; i < 10; i++)
        {
            var nodes = app.InstancesOf("rabbitmq");
            await (i % 2 == 0
                ? KillBrokerAsync($"the leader of {queues[i / 2 % 2]} killed", await app.LeaderOfAsync(queues[i / 2 % 2]))
                : KillBrokerAsync("any broker killed", nodes[Random.Shared.Next(nodes.Count)]));
        }
    });

    [Fact(Explicit = true)]
    public Task The_primary_database_is_killed_five_times() => CheckAsync(async () =>
    {
        for (var i = 0; i < 5; i++)
        {
            await KillPrimaryAsync();
        }
    });

    [Fact(Explicit = true)]
    public Task The_primary_database_hands_over_twice() => CheckAsync(async () =>
    {
        for (var i = 0; i < 2; i++)
        {
            var primary = await app.PrimaryAsync();
            await app.SetReadOnlyAsync(primary);
            var answer = MeasureAsync("the database handed over, read-only for 5 s before", Stopwatch.GetTimestamp());
            using PeriodicTimer readOnly = new(_readOnlyTime);
            await readOnly.WaitForNextTickAsync(Cancel);
            // Fast: it sends its standby all that it has, and then ends.
            await app.SignalAsync(primary, "INT");
            await Eventually.IsTrueAsync("The primary stopped", _limit, () => !app.InstancesOf("postgres").Contains(primary));
            await ReplaceAsync(primary, "a database that handed over, from the promotion on");
            await answer;
        }
    });

    private async Task KillBrokerAsync(string fault, string broker)
    {
        await app.KillAsync(broker);
        await MeasureAsync(fault, Stopwatch.GetTimestamp());
        await app.StartAsync(broker);
        await app.UntilReplicatedAsync();
    }

    private async Task KillPrimaryAsync()
    {
        var primary = await app.PrimaryAsync();
        await app.KillAsync(primary);
        var answer = MeasureAsync("the primary database killed, its standby promoted", Stopwatch.GetTimestamp());
        await ReplaceAsync(primary, "a database that was killed, from the promotion on");
        await answer;
    }

    /// <summary>Promotes the other database, and brings back the lost one as its standby.</summary>
    private async Task ReplaceAsync(string primary, string fault)
    {
        await app.PromoteAsync(app.InstancesOf("postgres").Single(name => name != primary));
        await MeasureAsync(fault, Stopwatch.GetTimestamp());
        await app.StartAsync(primary);
        await app.SynchronizeAsync();
    }

    /// <summary>How long after a fault a new ticket is accepted and answered.</summary>
    private async Task MeasureAsync(string fault, long since)
    {
        var ticketId = await Eventually.GetAsync("A ticket accepted", _limit, TryCreateAsync);
        var accepted = Stopwatch.GetElapsedTime(since);
        await Eventually.GetAsync("A ticket answered", _limit, () => TryAsync(
            limit => app.Api.GetAsync($"/ticket?ticket_id={ticketId}", limit), body => body["ticket_response"]));
        Recovery recovery = new(fault, accepted, Stopwatch.GetElapsedTime(since));
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{DateTime.UtcNow:HH:mm:ss} {fault}: accepted after {recovery.Accepted.TotalSeconds:F1} s, "
            + $"answered after {recovery.Answered.TotalSeconds:F1} s"));
        _recoveries.Enqueue(recovery);
    }

    private async Task<string?> TryCreateAsync()
    {
        if (await TryAsync(limit => app.Api.PostAsync("/user", null, limit), body => body["user_id"]) is not { } userId)
        {
            return null;
        }

        JsonObject ticket = new() { ["user_id"] = userId };
        return await TryAsync(limit => app.Api.PostAsJsonAsync("/ticket", ticket, limit), body => body["ticket_id"]);
    }

    private static async Task<string?> TryAsync(
        Func<CancellationToken, Task<HttpResponseMessage>> request, Func<JsonObject, JsonNode?> field)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(_requestLimit);
        try
        {
            using var response = await request(limit.Token);
            if (response.StatusCode != HttpStatusCode.OK)
            {
                return null;
            }

            var body = await response.Content.ReadFromJsonAsync<JsonObject>(limit.Token);
            return field(body!)!.GetValue<string>();
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException)
        {
            return null;
        }
    }

    private async Task CheckAsync(Func<Task> faults)
    {
        var began = DateTimeOffset.UtcNow;
        Ledger ledger;
        try
        {
            ledger = await Ledger.CheckAsync(app, faults);
        }
        catch (TimeoutException)
        {
            output.WriteLine(string.Join('\n', app.Output));
            throw;
        }

        output.WriteLine(
            $"{ledger.Accepted} tickets accepted, {ledger.Refused} requests refused or broken off; {ledger.Held} answers held");
        foreach (var kind in _recoveries.GroupBy(recovery => recovery.Fault))
        {
            double[] accepted = [.. kind.Select(recovery => recovery.Accepted.TotalSeconds)];
            double[] answered = [.. kind.Select(recovery => recovery.Answered.TotalSeconds)];
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{kind.Key}, {kind.Count()} times: accepted again after {accepted.Average():F1} s (at most {accepted.Max():F1}), "
                + $"answered after {answered.Average():F1} s (at most {answered.Max():F1})"));
        }

        var charged = await CountAsync(
            "select count(*) from tickets where time_created >= $1 and (attempt <> 1 or status <> 'succeeded')", began);
        var repeated = await CountAsync("select count(*) from ticket_attempts where outcome = 'late' and time_ended >= $1", began);
        var unread = await CountErrorsAsync();
        output.WriteLine($"{charged} charged attempts, {repeated} repeated results that changed nothing, {unread} messages in errors");
        if (charged > 0)
        {
            output.WriteLine(string.Join('\n', app.Output));
            output.WriteLine(string.Join('\n', await DescribeAttemptsAsync(began)));
        }

        Assert.Equal((0L, 0L), (charged, unread));
    }

    private async Task<long> CountAsync(string sql, DateTimeOffset since)
    {
        await using var database = NpgsqlDataSource.Create(app.Database);
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = since });
        return (long)(await command.ExecuteScalarAsync(Cancel))!;
    }

    private async Task<List<string>> DescribeAttemptsAsync(DateTimeOffset since)
    {
        List<string> attempts = [];
        await using var database = NpgsqlDataSource.Create(app.Database);
        await using var command = database.CreateCommand(
            """
            select to_jsonb(a) || to_jsonb(t) from ticket_attempts a join tickets t using (ticket_id)
            where time_created >= $1 and (t.attempt <> 1 or t.status <> 'succeeded')
            """);
        command.Parameters.Add(new() { Value = since });
        await using var reader = await command.ExecuteReaderAsync(Cancel);
        while (await reader.ReadAsync(Cancel))
        {
            attempts.Add(reader.GetString(0));
        }

        return attempts;
    }

    /// <summary>Those that were read, and those that wait while their reader is away.</summary>
    private async Task<long> CountErrorsAsync()
    {
        await using var connection = await new ConnectionFactory { Uri = app.Broker }.CreateConnectionAsync(Cancel);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Cancel);
        return app.Errors.All.Count() + await channel.MessageCountAsync(QueueNames.Errors, Cancel);
    }

    private sealed record Recovery(string Fault, TimeSpan Accepted, TimeSpan Answered);
}
