using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace TicketApp.ServiceDefaults;

/// <summary>
/// Readiness and liveness as plain text: the status, then a line for each check that is not healthy. The checks are made once a second,
/// however many ask: a probe must never be what a process under load has to do as well.
/// </summary>
internal sealed class HealthEndpoints(HealthCheckService checks, TimeProvider time)
{
    public const string ReadinessPath = "/health";
    public const string LivenessPath = "/alive";

    private static readonly string[] _methods = [HttpMethods.Get, HttpMethods.Head];
    private static readonly TimeSpan _lifetime = TimeSpan.FromSeconds(1);

    // Longer than a check may take that asks a server which does not answer.
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(10);

    // By the real clock: what a probe waits.
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(1);

    private static readonly Answer _hanging = new(
        StatusCodes.Status503ServiceUnavailable, $"{HealthStatus.Unhealthy}\nThe checks do not end: see the log", Made: 0);

    private readonly Lock _lock = new();
    private Task _checking = Task.CompletedTask;
    private volatile Answer? _last;

    public static void Map(WebApplication app)
    {
        var health = app.Services.GetRequiredService<HealthEndpoints>();
        app.MapMethods(ReadinessPath, _methods, health.AnswerAsync).AllowAnonymous().DisableRateLimiting();
        // Nothing to check: an answer is the proof.
        Answer alive = new(StatusCodes.Status200OK, nameof(HealthStatus.Healthy), Made: 0);
        app.MapMethods(LivenessPath, _methods, context => WriteAsync(context, alive))
            .AllowAnonymous().DisableRateLimiting();
    }

    private static async Task WriteAsync(HttpContext context, Answer answer)
    {
        context.Response.StatusCode = answer.StatusCode;
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        await context.Response.WriteAsync(answer.Text, context.RequestAborted);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        if (!IsYounger(_lifetime))
        {
            // A server that does not answer must not have a probe wait for it.
            await Checking().WaitAsync(_patience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await WriteAsync(context, IsYounger(_timeout) ? _last! : _hanging);
    }

    /// <summary>The checks that are being made. They belong to nobody's request.</summary>
    private Task Checking()
    {
        lock (_lock)
        {
            return IsYounger(_lifetime) || !_checking.IsCompleted ? _checking : _checking = CheckAsync();
        }
    }

    private bool IsYounger(TimeSpan age) => _last is { } last && time.GetElapsedTime(last.Made) < age;

    private async Task CheckAsync() => _last = await MakeAsync();

    private async Task<Answer> MakeAsync()
    {
        using CancellationTokenSource timeout = new(_timeout, time);
        try
        {
            var report = await checks.CheckHealthAsync(timeout.Token);
            StringBuilder text = new(report.Status.ToString());
            foreach (var (name, check) in report.Entries.Where(entry => entry.Value.Status != HealthStatus.Healthy))
            {
                var reason = check.Description ?? check.Exception?.GetBaseException().Message ?? check.Status.ToString();
                text.Append('\n').Append(name).Append(": ").Append(reason);
            }

            var status = report.Status == HealthStatus.Unhealthy ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
            return new(status, text.ToString(), time.GetTimestamp());
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            return new(
                StatusCodes.Status503ServiceUnavailable,
                $"{HealthStatus.Unhealthy}\nThe checks took longer than {_timeout.TotalSeconds:F0} s",
                time.GetTimestamp());
        }
    }

    private sealed record Answer(int StatusCode, string Text, long Made);
}
