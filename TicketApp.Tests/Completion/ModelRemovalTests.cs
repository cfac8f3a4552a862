using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;
using TicketApp.Api.Completion;
using TicketApp.Api.Dispatch;
using TicketApp.Messaging;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Completion;

/// <summary>Models that no worker has served for a week go with their queues, which a stolen credential could make any number of.</summary>
[Collection(AppCollection.Name)]
public sealed class ModelRemovalTests(AppFixture app)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_queue_of_a_model_that_nobody_serves_is_deleted_unless_it_has_a_message_or_a_consumer()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        await using ScratchReplica replica = new(app, database);
        var publisher = replica.Publisher;
        await replica.StartAsync();
        var mark = Guid.NewGuid().ToString("N");
        var (idle, gone, filled, consumed, served) =
            ($"idle-{mark}", $"gone-{mark}", $"filled-{mark}", $"consumed-{mark}", $"served-{mark}");
        foreach (var model in (string[])[idle, filled, consumed, served])
        {
            await publisher.PrepareAsync($"tickets.{model}");
        }

        await publisher.PublishAsync($"tickets.{filled}", new byte[] { 1 }, cancellationToken: Cancel);
        await using var worker = await new ConnectionFactory { Uri = app.WorkerBroker }.CreateConnectionAsync(Cancel);
        await using var channel = await worker.CreateChannelAsync(cancellationToken: Cancel);
        await channel.BasicConsumeAsync($"tickets.{consumed}", autoAck: true, new AsyncEventingBasicConsumer(channel), Cancel);
        await database.ExecuteAsync(
            $"""
            insert into models (name, description, input_required, max_input_characters, largest_batch, last_seen)
            select name, '', false, 1, 1, case name when '{served}' then now() else now() - interval '8 days' end
            from unnest(array['simulated', '{idle}', '{gone}', '{filled}', '{consumed}', '{served}']) name
            """);

        await RemoveAsync();

        // The original's queue stays, though nobody serves it.
        Assert.Equal(
            [$".{filled}", $".{consumed}", $".{served}", ""],
            await ThereAsync($".{idle}", $".{gone}", $".{filled}", $".{consumed}", $".{served}", ""));
        Assert.Equal([consumed, filled, served], await NamesAsync());

        await channel.CloseAsync(Cancel);
        await using (var taking = await worker.CreateChannelAsync(cancellationToken: Cancel))
        {
            Assert.NotNull(await taking.BasicGetAsync($"tickets.{filled}", autoAck: true, Cancel));
        }

        await RemoveAsync();

        Assert.Empty(await ThereAsync($".{filled}", $".{consumed}"));
        Assert.Equal([served], await NamesAsync());
        // One that is needed again is declared again, by who had declared it before.
        await publisher.PublishAsync($"tickets.{idle}", new byte[] { 1 }, cancellationToken: Cancel);
        await DeleteAsync(idle, served);

        async Task RemoveAsync()
        {
            using ModelRemoval removal = new(
                database.Source, publisher, replica.Migrator, replica.Progress, NullLogger<ModelRemoval>.Instance);
            await removal.StartAsync(Cancel);
            // The first round removes, the second one finds nothing more.
            await Eventually.IsTrueAsync("Two rounds are done", _limit, () => removal.Rounds == 2);
            await removal.StopAsync(Cancel);
        }

        async Task<List<string>> ThereAsync(params string[] ends)
        {
            List<string> there = [];
            foreach (var end in ends)
            {
                await using var look = await worker.CreateChannelAsync(cancellationToken: Cancel);
                try
                {
                    await look.QueueDeclarePassiveAsync($"tickets{end}", Cancel);
                    there.Add(end);
                }
                catch (OperationInterruptedException)
                {
                    // There is no such queue.
                }
            }

            return there;
        }

        async Task<string[]> NamesAsync() => await database.ValueAsync<string[]>("select array_agg(name order by name) from models");
    }

    [Fact]
    public async Task Without_a_broker_nothing_is_removed_and_no_failure_is_told()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        await database.ExecuteAsync(
            """
            insert into models (name, description, input_required, max_input_characters, largest_batch, last_seen)
            select name, '', false, 1, 1, now() - interval '8 days' from unnest(array['simulated', 'unserved']) name
            """);
        // Its publisher is not connected.
        await using ScratchReplica replica = new(app, database);
        LogLines log = new();
        using ModelRemoval removal = new(
            database.Source, replica.Publisher, replica.Migrator, replica.Progress, new Logger<ModelRemoval>(new LoggerFactory([log])));
        await replica.Migrator.StartAsync(Cancel);

        await removal.StartAsync(Cancel);
        await Eventually.IsTrueAsync("A round ends", _limit, () => removal.Rounds > 0 || !log.Lines.IsEmpty);

        Assert.Empty(log.Lines);
        Assert.Equal(2, await database.ValueAsync<long>("select count(*) from models"));
        await removal.StopAsync(Cancel);
        await replica.Migrator.StopAsync(Cancel);
    }

    [Fact]
    public async Task There_are_only_so_many_workers_and_models_and_those_that_are_known_stay_in_use()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        await database.ExecuteAsync(
            """
            insert into workers (worker, slots, models, unavailable, last_seen)
            select 'w' || i, 1, '{}', '[]', now() - interval '1 minute' from generate_series(1, 4999) i;
            insert into models (name, description, input_required, max_input_characters, largest_batch, last_seen)
            select 'm' || i, '', false, 1, 1, now() - interval '1 hour' from generate_series(1, 999) i
            """);
        ReportStore store = new(database.Source, Options.Create(new DispatchOptions()), Options.Create(new TicketOptions()));

        foreach (var name in (string[])["first", "second"])
        {
            await store.ApplyAsync([Heartbeat(name, name)], Cancel);
        }

        await store.ApplyAsync([Heartbeat("w1", "m1")], Cancel);

        Assert.Equal(["first", "w1"], await LatelyAsync("worker", "workers"));
        Assert.Equal(["first", "m1"], await LatelyAsync("name", "models"));

        Task<string[]> LatelyAsync(string column, string table) => database.ValueAsync<string[]>(
            $"select array_agg({column} order by {column}) from {table} where last_seen > now() - interval '30 s'");

        static WorkerReport Heartbeat(string worker, string model) => new()
        {
            Type = ReportType.Heartbeat,
            Worker = worker,
            Models = [new() { Name = model, Description = "It", Slots = 1 }],
        };
    }

    private async Task DeleteAsync(params string[] models)
    {
        await using var connection = await new ConnectionFactory { Uri = app.Broker }.CreateConnectionAsync(Cancel);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Cancel);
        foreach (var model in models)
        {
            await channel.QueueDeleteAsync($"tickets.{model}", cancellationToken: Cancel);
        }
    }
}
