using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using TicketApp.Api.Storage;
using TicketApp.Api.Telemetry;
using TicketApp.ServiceDefaults;

namespace TicketApp.Tests.Storage.Unit;

/// <summary>How many calls a batch takes.</summary>
public sealed class BatcherTests
{
    private const int MaxBatch = 8;

    [Fact]
    public async Task A_batch_that_timed_out_is_halved_and_grows_again()
    {
        await using var database = NpgsqlDataSource.Create("Host=nowhere.invalid");
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        using RecordingBatcher batcher = new(database, new(services.GetRequiredService<IMeterFactory>()), failing: 1);
        var calls = Enumerable.Range(0, 7 * MaxBatch).Select(batcher.SubmitAsync).ToArray();

        await batcher.StartAsync(TestContext.Current.CancellationToken);
        await Task.WhenAny(Task.WhenAll(calls));
        await batcher.StopAsync(TestContext.Current.CancellationToken);

        Assert.Equal([8, 4, 8, 8, 8, 8, 8, 4], batcher.Sizes);
        Assert.Equal(MaxBatch, calls.Count(call => call.IsFaulted));
    }

    private sealed class RecordingBatcher(NpgsqlDataSource database, TicketMetrics metrics, int failing)
        : Batcher<int, int>(
            "try", database, metrics, new LoopProgress(TimeProvider.System), NullLogger.Instance, MaxBatch, capacity: 100)
    {
        public List<int> Sizes { get; } = [];

        protected override Task<IReadOnlyList<int>> ExecuteBatchAsync(IReadOnlyList<int> items)
        {
            Sizes.Add(items.Count);
            return Sizes.Count > failing
                ? Task.FromResult(items)
                : throw new PostgresException("canceling statement", "ERROR", "ERROR", PostgresErrorCodes.QueryCanceled);
        }
    }
}
