using System.Data;
using System.Diagnostics;
using System.Globalization;
using Npgsql;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Faults;

/// <summary>
/// The long form of <see cref="FaultTests"/>: twenty faults in a row, drawn by chance, under load. Not
/// part of a test run; <c>./ticketapp bench chaos</c> starts it.
/// </summary>
[Collection(FaultCollection.Name)]
public sealed class ChaosTests(FaultApp app, ITestOutputHelper output)
{
    private const int Faults = 20;
    private const int Tickets = 20_000;
    private static readonly TimeSpan _loadLimit = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan _pinned = TimeSpan.FromMinutes(10);

    [Fact(Explicit = true)]
    public async Task Twenty_faults_lose_nothing_and_change_nothing()
    {
        var seed = Environment.TickCount;
        Random random = new(seed);
        var started = Stopwatch.GetTimestamp();
        List<(string Fault, TimeSpan Recovery)> recoveries = [];
        var ledger = await Ledger.CheckAsync(app, async running =>
        {
            for (var i = 0; i < Faults; i++)
            {
                var (name, harm) = Draw(random);
                await harm();
                var healed = Stopwatch.GetTimestamp();
                await app.FinishAsync(await Eventually.GetAsync("A ticket accepted again", _loadLimit, TryCreateAsync));
                recoveries.Add((name, Stopwatch.GetElapsedTime(healed)));
            }

            await Eventually.IsTrueAsync($"{Tickets} tickets accepted", _loadLimit, () => running.Accepted >= Tickets);
        });

        output.WriteLine(
            $"seed {seed}; {ledger.Accepted} tickets accepted, {ledger.Refused} requests refused or broken off, "
            + $"in {Stopwatch.GetElapsedTime(started).TotalSeconds:F0} s");
        output.WriteLine($"{ledger.Held} of them ended with an answer and gave it again, unchanged, when all was over");
        foreach (var kind in recoveries.GroupBy(recovery => recovery.Fault).OrderBy(kind => kind.Key, StringComparer.Ordinal))
        {
            double[] seconds = [.. kind.Select(recovery => recovery.Recovery.TotalSeconds)];
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{kind.Key}: {kind.Count()} times, a new ticket answered after {seconds.Average():F1} s on average, "
                + $"{seconds.Max():F1} s at most"));
        }
    }

    [Fact(Explicit = true)]
    public async Task A_transaction_that_stays_open_for_ten_minutes_stops_nothing()
    {
        var longest = TimeSpan.Zero;
        var ledger = await Ledger.CheckAsync(app, async _ =>
        {
            await using NpgsqlConnection pin = new(app.Database);
            await pin.OpenAsync(TestContext.Current.CancellationToken);
            await using var snapshot = await pin.BeginTransactionAsync(
                IsolationLevel.RepeatableRead, TestContext.Current.CancellationToken);
            await using NpgsqlCommand look = new("select 1 from tickets limit 1", pin, snapshot);
            await look.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            for (var started = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(started) < _pinned;)
            {
                var submitted = Stopwatch.GetTimestamp();
                await app.FinishAsync(await app.CreateTicketAsync(await app.CreateUserAsync()));
                longest = Stopwatch.GetElapsedTime(submitted) is var took && took > longest ? took : longest;
            }
        });

        output.WriteLine(
            $"{ledger.Accepted} tickets accepted, {ledger.Refused} requests refused; "
            + $"a ticket was answered after {longest.TotalSeconds:F1} s at most");
    }

    private (string Name, Func<Task> Harm) Draw(Random random) => random.Next(6) switch
    {
        0 => ("a worker killed", () => BounceAsync(Pick("worker", random))),
        1 => ("all workers killed", () => BounceAsync([.. app.InstancesOf("worker")])),
        2 => ("an Api replica killed", () => BounceAsync(Pick("api", random))),
        3 => ("the broker killed", () => BounceAsync(Pick("rabbitmq", random))),
        4 => ("the database killed", () => BounceAsync(Pick("postgres", random))),
        _ => ("broker and database killed", () => BounceAsync([.. Pick("rabbitmq", random), .. Pick("postgres", random)])),
    };

    private string[] Pick(string resource, Random random) => [app.InstancesOf(resource)[random.Next(app.InstancesOf(resource).Count)]];

    private async Task BounceAsync(string[] instances)
    {
        await Task.WhenAll(instances.Select(app.KillAsync));
        await Task.WhenAll(instances.Select(app.StartAsync));
    }

    private async Task<string?> TryCreateAsync()
    {
        try
        {
            return await app.CreateTicketAsync(await app.CreateUserAsync());
        }
        catch (Exception exception) when (exception is HttpRequestException or Xunit.Sdk.XunitException)
        {
            return null;
        }
    }
}
