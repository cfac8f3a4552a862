using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using TicketApp.ServiceDefaults;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.ServiceDefaults.Unit;

/// <summary>The answers of <c>/health</c> and <c>/alive</c>.</summary>
public sealed class HealthEndpointTests : IAsyncLifetime, IHealthCheck
{
    private readonly ManualClock _clock = new();
    private readonly WebApplication _app;
    private int _checks;
    private volatile TaskCompletionSource? _hang;
    private HealthCheckResult _result = HealthCheckResult.Healthy();
    private HttpClient _client = null!;

    public HealthEndpointTests()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.AddServiceDefaults();
        builder.Services.AddSingleton<TimeProvider>(_clock);
        builder.Services.AddHealthChecks().AddCheck("counted", this);
        _app = builder.Build();
        _app.MapDefaultEndpoints();
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await _app.StartAsync(Cancel);
        _client = new() { BaseAddress = new(_app.Urls.Single()) };
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _app.DisposeAsync();
    }

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _checks);
        if (_hang is { } hang)
        {
            await hang.Task.WaitAsync(cancellationToken);
        }

        return _result;
    }

    [Fact]
    public async Task The_checks_are_made_once_a_second_however_many_ask()
    {
        await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => _client.GetStringAsync("/health", Cancel)));
        Assert.Equal(1, _checks);

        _clock.Advance(TimeSpan.FromSeconds(1));
        await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => _client.GetStringAsync("/health", Cancel)));
        Assert.Equal(2, _checks);
    }

    [Fact]
    public async Task While_a_check_hangs_the_answer_before_it_counts()
    {
        Assert.Equal("Healthy", await _client.GetStringAsync("/health", Cancel));
        _clock.Advance(TimeSpan.FromSeconds(2));
        TaskCompletionSource hang = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _hang = hang;

        // Also for the one whose question began it.
        Assert.Equal("Healthy", await _client.GetStringAsync("/health", Cancel));
        Assert.Equal("Healthy", await _client.GetStringAsync("/health", Cancel));
        Assert.Equal(2, _checks);

        _clock.Advance(TimeSpan.FromSeconds(9));
        using var late = await _client.GetAsync(new Uri("/health", UriKind.Relative), Cancel);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, late.StatusCode);
        Assert.StartsWith("Unhealthy", await late.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);

        (_hang, _result) = (null, HealthCheckResult.Degraded("slow"));
        hang.SetResult();
        await Eventually.IsTrueAsync("An answer", TimeSpan.FromSeconds(30), async () =>
            await _client.GetStringAsync("/health", Cancel) == "Degraded\ncounted: slow");
    }

    [Theory]
    [InlineData(HealthStatus.Degraded, HttpStatusCode.OK)]
    [InlineData(HealthStatus.Unhealthy, HttpStatusCode.ServiceUnavailable)]
    public async Task What_is_wrong_is_said(HealthStatus status, HttpStatusCode expected)
    {
        _result = new(status, "the disk is full");

        using var answer = await _client.GetAsync(new Uri("/health", UriKind.Relative), Cancel);

        Assert.Equal(expected, answer.StatusCode);
        Assert.Equal($"{status}\ncounted: the disk is full", await answer.Content.ReadAsStringAsync(Cancel));
        Assert.Equal("Healthy", await _client.GetStringAsync("/alive", Cancel));
    }
}
