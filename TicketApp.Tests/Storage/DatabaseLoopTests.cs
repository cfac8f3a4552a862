using Microsoft.Extensions.Logging.Abstractions;
using TicketApp.Api.Storage;
using TicketApp.ServiceDefaults;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Storage;

[Collection(DatabaseCollection.Name)]
public sealed class DatabaseLoopTests(DatabaseServer server)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_round_that_fails_because_the_process_stops_is_the_last_and_the_loop_comes_to_its_end()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        LoopProgress progress = new(TimeProvider.System);
        using DatabaseMigrator migrator = new(database.Source, progress, NullLogger<DatabaseMigrator>.Instance);
        using BreakingLoop loop = new(migrator);
        await migrator.StartAsync(Cancel);
        await loop.StartAsync(Cancel);
        await loop.Working.WaitAsync(TimeSpan.FromSeconds(30), Cancel);

        await loop.StopAsync(Cancel);

        Assert.True(loop.HasEnded);
    }

    /// <summary>Its statement breaks when it is cancelled, with an error that does not say so.</summary>
    private sealed class BreakingLoop(DatabaseMigrator migrator)
        : DatabaseLoop("breaking", migrator, new LoopProgress(TimeProvider.System), NullLogger.Instance)
    {
        private readonly TaskCompletionSource _working = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Working => _working.Task;

        public bool HasEnded { get; private set; }

        protected override async Task WorkAsync(CancellationToken stoppingToken)
        {
            _working.SetResult();
            await Task.Delay(Timeout.Infinite, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw new InvalidOperationException();
        }

        protected override Task WaitAsync(CancellationToken stoppingToken) => Task.CompletedTask;

        protected override Task OnStoppedAsync()
        {
            HasEnded = true;
            return Task.CompletedTask;
        }
    }
}
