using System.Collections.Concurrent;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using TicketApp.ServiceDefaults;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.ServiceDefaults.Unit;

/// <summary>What every background loop does with a fault, and how health tells of it.</summary>
public sealed class SupervisedLoopTests : IAsyncDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    private readonly ManualClock _clock = new();
    private readonly LoopProgress _progress;
    private readonly List<TestLoop> _loops = [];

    public SupervisedLoopTests() => _progress = new(_clock);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (var loop in _loops)
        {
            loop.Hang.TrySetResult();
            await loop.StopAsync(Cancel);
            loop.Dispose();
        }
    }

    [Fact]
    public async Task Whatever_a_round_throws_the_loop_tries_again_and_says_its_name()
    {
        var loop = await StartAsync(isEssential: true);
        Exception[] faults =
        [
            new InvalidOperationException(),
            new OperationCanceledException(),
            new NotSupportedException(),
            new ObjectDisposedException("connection"),
        ];
        foreach (var fault in faults)
        {
            var before = loop.Rounds;
            loop.Inject(fault);
            await Eventually.IsTrueAsync($"A round after {fault.GetType().Name}", _limit, () => loop.Rounds > before);
        }

        Assert.Contains(loop.Logger.Lines, line => line.Contains("test loop failed", StringComparison.Ordinal));
        Assert.Contains(loop.Logger.Lines, line => line.Contains("test loop works again", StringComparison.Ordinal));
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync()).Status);
    }

    [Fact]
    public async Task A_loop_that_fails_for_long_is_in_the_log_now_and_then_and_not_with_each_try()
    {
        var loop = await StartAsync(isEssential: false);
        loop.Fault = new IOException("away");
        await Eventually.IsTrueAsync("A failure", _limit, () => loop.FailureReason is not null);
        var tries = loop.Tries;
        await Eventually.IsTrueAsync("Tries", _limit, () => loop.Tries > tries + 2);
        Assert.Single(loop.Logger.Lines, line => line.Contains("failed", StringComparison.Ordinal));

        _clock.Advance(TimeSpan.FromSeconds(31));

        await Eventually.IsTrueAsync("The next line", _limit, () =>
            loop.Logger.Lines.Count(line => line.Contains("failed", StringComparison.Ordinal)) == 2);
    }

    [Theory]
    [InlineData(true, HealthStatus.Unhealthy)]
    [InlineData(false, HealthStatus.Degraded)]
    public async Task A_loop_that_does_not_turn_shows_with_its_reason(bool isEssential, HealthStatus expected)
    {
        var loop = await StartAsync(isEssential);
        loop.Fault = new IOException("the disk is full");
        await Eventually.IsTrueAsync("A failure", _limit, () => loop.FailureReason is not null);
        Assert.Equal(HealthStatus.Degraded, (await CheckAsync()).Status);

        _clock.Advance(TimeSpan.FromSeconds(31));

        var health = await CheckAsync();
        Assert.Equal(expected, health.Status);
        Assert.Contains("test loop for 31 s (IOException: the disk is full)", health.Description, StringComparison.Ordinal);
        loop.Fault = null;
        await Eventually.IsTrueAsync("Healthy again", _limit, async () => (await CheckAsync()).Status == HealthStatus.Healthy);
    }

    [Fact]
    public async Task A_loop_that_hangs_shows_though_it_throws_nothing()
    {
        var loop = await StartAsync(isEssential: true);
        loop.IsHanging = true;
        await Eventually.IsTrueAsync("A round that hangs", _limit, () => loop.Hangs);

        _clock.Advance(TimeSpan.FromSeconds(31));

        var health = await CheckAsync();
        Assert.Equal((HealthStatus.Unhealthy, "No progress: test loop for 31 s."), (health.Status, health.Description));
    }

    [Fact]
    public async Task A_loop_that_waits_for_work_is_healthy_however_long()
    {
        var loop = await StartAsync(isEssential: true);
        loop.HasWork = false;
        await Eventually.IsTrueAsync("It waits", _limit, () => loop.Waits);

        _clock.Advance(TimeSpan.FromDays(1));

        Assert.Equal(HealthStatus.Healthy, (await CheckAsync()).Status);
    }

    private Task<HealthCheckResult> CheckAsync() =>
        _progress.CheckHealthAsync(new() { Registration = new("loops", _progress, HealthStatus.Unhealthy, []) }, Cancel);

    private async Task<TestLoop> StartAsync(bool isEssential)
    {
        TestLoop loop = new(_progress, isEssential, new());
        _loops.Add(loop);
        await loop.StartAsync(Cancel);
        await Eventually.IsTrueAsync("The first round", _limit, () => loop.Rounds > 0);
        return loop;
    }

    private sealed class TestLoop(LoopProgress progress, bool isEssential, LineLogger logger)
        : SupervisedLoop("test loop", progress, logger)
    {
        private int _tries;

        public override bool IsEssential => isEssential;

        public new LineLogger Logger => logger;

        public TaskCompletionSource Hang { get; } = new();

        public volatile Exception? Fault;
        public volatile bool IsHanging;
        public volatile bool Hangs;
        public volatile bool HasWork = true;
        public volatile bool Waits;

        public int Tries => Volatile.Read(ref _tries);

        protected override async ValueTask<bool> WaitForWorkAsync(CancellationToken stoppingToken)
        {
            Waits = !HasWork;
            await Task.Delay(HasWork ? TimeSpan.FromMilliseconds(1) : Timeout.InfiniteTimeSpan, stoppingToken);
            return true;
        }

        protected override async Task RunAsync(CancellationToken stoppingToken)
        {
            Interlocked.Increment(ref _tries);
            if (IsHanging)
            {
                Hangs = true;
                await Hang.Task;
            }

            if (Fault is { } fault)
            {
                throw fault;
            }
        }
    }

    private sealed class LineLogger : ILogger
    {
        private readonly ConcurrentQueue<string> _lines = [];

        public IEnumerable<string> Lines => _lines;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => NullLogger.Instance.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _lines.Enqueue(formatter(state, exception));
    }
}
