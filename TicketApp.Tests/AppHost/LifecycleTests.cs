using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost;

/// <summary>How the AppHost starts and ends where PostgreSQL and RabbitMQ run as its own processes.</summary>
public sealed class LifecycleTests : IDisposable
{
    private const UnixFileMode Traversable =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private static readonly TimeSpan _orphanLimit = TimeSpan.FromSeconds(5);

    private readonly string _stateDirectory = Path.Combine(Path.GetTempPath(), $"ticketapp-test-{Guid.NewGuid():N}");

    public LifecycleTests()
    {
        Assert.SkipUnless(AppAvailability.IsOffline, "With the real Aspire packages its orchestrator ends the processes.");

        // Servers that root starts run as their service users and have to pass through.
        Directory.CreateDirectory(_stateDirectory, Traversable);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_stateDirectory, recursive: true);

    [Fact]
    public async Task A_killed_AppHost_leaves_no_process_and_the_next_start_finds_the_data()
    {
        await using var first = AppHostProcess.Start(_stateDirectory);
        await WaitUntilHealthyAsync(first);
        var ticketId = await CreateTicketAsync(first.Api);
        var children = first.Descendants();
        Assert.NotEmpty(children);

        first.Kill();
        await Eventually.IsTrueAsync("No process left", _orphanLimit, () => !children.Any(AppHostProcess.IsAlive));

        await using var second = AppHostProcess.Start(_stateDirectory);
        await second.WaitUntilHealthyAsync();
        Assert.NotEqual(HttpStatusCode.NotFound, await AskAsync(second.Api, ticketId));
        await StopAsync(second);
    }

    [Fact]
    public async Task Two_checkouts_run_side_by_side_one_checkout_only_once_and_Ctrl_C_stops_all_of_it()
    {
        var otherState = Directory.CreateDirectory(Path.Combine(_stateDirectory, "other"), Traversable).FullName;
        await using var one = AppHostProcess.Start(_stateDirectory);
        await WaitUntilHealthyAsync(one);
        await using var other = AppHostProcess.Start(otherState);
        await other.WaitUntilHealthyAsync();

        // Both want the port of the launch profile: the later one says that it took another.
        Assert.NotEqual(one.Api, other.Api);
        Assert.Contains("Port 5380 is taken", other.Output, StringComparison.Ordinal);

        await using var same = AppHostProcess.Start(_stateDirectory);
        Assert.Equal(1, await same.WaitForExitAsync());
        Assert.Contains("already running", Assert.Single(same.Output.Trim().Split('\n')), StringComparison.Ordinal);

        await StopAsync(one);
        Assert.Equal(HttpStatusCode.NotFound, await AskAsync(other.Api, Guid.NewGuid().ToString()));
        await StopAsync(other);
    }

    private static async Task WaitUntilHealthyAsync(AppHostProcess appHost)
    {
        try
        {
            await appHost.WaitUntilHealthyAsync();
        }
        catch (InvalidOperationException) when (AppAvailability.MaySkip && appHost.Output.Contains("Not installed", StringComparison.Ordinal))
        {
            Assert.Skip(appHost.Output.Trim());
        }
    }

    private static async Task StopAsync(AppHostProcess appHost)
    {
        var children = appHost.Descendants();
        await appHost.InterruptAsync();

        Assert.Equal(0, await appHost.WaitForExitAsync());
        await Eventually.IsTrueAsync("No process left", _orphanLimit, () => !children.Any(AppHostProcess.IsAlive));
    }

    private static async Task<string> CreateTicketAsync(Uri api)
    {
        using var client = new HttpClient { BaseAddress = api };
        using var user = await client.PostAsync("/user", null, Cancel);
        var userId = (await user.Content.ReadFromJsonAsync<JsonObject>(Cancel))!["user_id"]!.GetValue<string>();
        using var ticket = await client.PostAsJsonAsync("/ticket", new JsonObject { ["user_id"] = userId }, Cancel);
        return (await ticket.Content.ReadFromJsonAsync<JsonObject>(Cancel))!["ticket_id"]!.GetValue<string>();
    }

    private static async Task<HttpStatusCode> AskAsync(Uri api, string ticketId)
    {
        using var client = new HttpClient { BaseAddress = api };
        using var response = await client.GetAsync(new Uri($"/ticket?ticket_id={ticketId}", UriKind.Relative), Cancel);
        return response.StatusCode;
    }
}
