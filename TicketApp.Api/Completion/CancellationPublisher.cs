using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;
using TicketApp.Messaging;
using TicketApp.Messaging.Broker;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Completion;

/// <summary>
/// Tells workers which runs are not wanted: at once, and again twice a second. Of tickets that are being canceled until they have
/// ended, whichever replica canceled them; of tickets that were on their way for as long as their message can live, so that a worker
/// that starts in between hears of them before it runs them. Should this process die, the worker is told when it reports the run.
/// </summary>
internal sealed class CancellationPublisher(
    NpgsqlDataSource database,
    BrokerPublisher broker,
    DatabaseMigrator migrator,
    LoopProgress progress,
    IOptions<DispatchOptions> dispatch,
    ILogger<CancellationPublisher> logger)
    : DatabaseLoop("notices of canceled tickets", migrator, progress, logger)
{
    private const int MaxMessage = 1000;

    private const string CancelingSql = "select ticket_id, epoch from tickets where status = 'canceling'";

    private readonly ConcurrentDictionary<RunReference, long> _recent = new();

    /// <summary>These runs are not wanted.</summary>
    /// <param name="runs">The runs.</param>
    /// <param name="repeatFor">How long to say it again; it is said once in any case.</param>
    public void Stop(IReadOnlyCollection<RunReference> runs, TimeSpan repeatFor)
    {
        if (runs.Count == 0)
        {
            return;
        }

        foreach (var run in runs)
        {
            _recent[run] = Environment.TickCount64 + (long)repeatFor.TotalMilliseconds;
        }

        Wake();
    }

    protected override TimeSpan PollInterval => TimeSpan.FromMilliseconds(500);

    protected override Task WorkAsync(CancellationToken stoppingToken) => broker.IsReady ? TellAsync(stoppingToken) : Task.CompletedTask;

    private async Task TellAsync(CancellationToken cancellationToken)
    {
        var now = Environment.TickCount64;
        HashSet<RunReference> runs = [.. _recent.Keys];
        runs.UnionWith(await CancelingAsync(cancellationToken));
        foreach (var some in runs.Chunk(MaxMessage))
        {
            CancellationMessage message = new() { Runs = some, RememberSeconds = (int)dispatch.Value.LeaseDuration.TotalSeconds };
            await broker.BroadcastAsync(
                QueueNames.Control, ContractJson.Serialize(message, ContractJson.Default.CancellationMessage), cancellationToken);
        }

        // Only now: what was not sent is said next time.
        foreach (var told in _recent.Where(told => told.Value <= now))
        {
            _recent.TryRemove(told);
        }
    }

    private async Task<List<RunReference>> CancelingAsync(CancellationToken cancellationToken)
    {
        List<RunReference> runs = [];
        await using var command = database.CreateCommand(CancelingSql);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            runs.Add(new(reader.GetGuid(0), reader.GetInt32(1)));
        }

        return runs;
    }
}
