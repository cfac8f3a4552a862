using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Dashboard;

/// <summary>An AppHost that a test starts has no dashboard.</summary>
[Collection(AppCollection.Name)]
public sealed class TestingDefaultsTests(AppFixture app)
{
    [Theory]
    [InlineData("api")]
    [InlineData("worker")]
    public async Task It_tells_nobody_to_send_telemetry(string project)
    {
        Assert.SkipUnless(AppAvailability.IsOffline, "The real packages name a collector of their own.");
        Assert.SkipWhen(Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT") is not null, "This environment names a collector.");

        var running = await app.App.ResourceNotifications.WaitForResourceHealthyAsync(project, TestContext.Current.CancellationToken);

        var names = running.Snapshot.EnvironmentVariables.Select(variable => variable.Name).ToArray();
        Assert.Contains("ASPNETCORE_URLS", names);
        Assert.DoesNotContain(names, name => name.StartsWith("OTEL_", StringComparison.Ordinal));
    }
}
