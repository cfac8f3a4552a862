using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost;

/// <summary>How the AppHost starts and ends where PostgreSQL and RabbitMQ run as processes of this machine.</summary>
[Collection(AspireCollection.Name)]
public sealed class LifecycleTests : IDisposable
{
    private const string Native = "--Servers:Mode=native";

    // Of the orchestrator, after the AppHost was killed.
    private static readonly TimeSpan _orphanLimit = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo _parent = AppProcesses.CreateDirectory();
    private readonly DirectoryInfo _data;

    public LifecycleTests(AspireApp app)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Servers run as processes on Linux only.");
        // Skips, or fails, where the servers are not installed.
        _ = app.App;
        // As people's directories are called.
        _data = _parent.CreateSubdirectory("José, data #1");
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _parent.Delete(recursive: true);

    [Fact]
    public async Task A_killed_AppHost_leaves_no_process_and_the_next_finds_its_data_with_other_passwords()
    {
        await using var first = AppHostProcess.Start(
            _data.FullName, Native, "--Parameters:postgres-password=one", "--Parameters:tickets-password=one",
            "--Parameters:rabbitmq-password=one", "--Parameters:rabbitmq-worker-password=one");
        await first.WaitUntilHealthyAsync();
        var ticketId = await CreateTicketAsync(first.Api);
        var children = first.Descendants();
        Assert.Superset(
            new HashSet<string> { "postgres", "beam.smp", "TicketApp.Api", "TicketApp.Worke", "Aspire.Dashboar" },
            children.Select(child => child.Program).ToHashSet());

        await first.SignalAsync("KILL");
        await AssertNoneLeftAsync(children);

        // User secrets get lost, and checkouts share them; data stays.
        await using var second = AppHostProcess.Start(
            _data.FullName, Native, "--Parameters:postgres-password=two\\$(2)", "--Parameters:tickets-password=two'\\$(2)",
            "--Parameters:rabbitmq-password=\"two/\\", "--Parameters:rabbitmq-worker-password=\"%s/\\");
        await second.WaitUntilHealthyAsync();
        Assert.NotEqual(HttpStatusCode.NotFound, await AskAsync(second.Api, ticketId));

        await StopAsync(second);
    }

    [Fact]
    public async Task Taken_ports_are_left_to_their_owners__one_checkout_runs_once__and_what_crashes_is_named_or_started_again()
    {
        // Another program, which answers everything.
        using HttpListener other = new() { Prefixes = { "http://localhost:5380/" } };
        var isMine = TryListen(other);
        await using var app = AppHostProcess.Start(_data.FullName, Native);
        await app.WaitUntilHealthyAsync();

        Assert.NotEqual(5380, app.Api.Port);
        Assert.Contains("Port 5380 is taken: api listens on another", app.Output, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, await AskAsync(app.Api, Guid.NewGuid().ToString()));
        Assert.Equal(isMine, other.IsListening);

        await using var same = AppHostProcess.Start(_data.FullName, Native);
        Assert.NotEqual(0, await same.WaitForExitAsync());
        Assert.Contains("PostgreSQL already runs on", same.Output, StringComparison.Ordinal);

        var portMapper = IdOf(app, "epmd");
        await ProcessTree.SignalAsync("KILL", portMapper);
        await Eventually.IsTrueAsync("Another port mapper", _orphanLimit, () =>
            app.Descendants().Any(process => process.Program == "epmd" && process.Id != portMapper));

        await ProcessTree.SignalAsync("KILL", IdOf(app, "postgres"));
        await app.WaitForOutputAsync(output => output.Contains(" ended: ", StringComparison.Ordinal));
        Assert.Matches("postgres-\\w+ ended: \\w+, exit code [1-9]", app.Output);

        // The orchestrator is the first.
        var children = app.Descendants();
        await ProcessTree.SignalAsync("KILL", children[0].Id);
        Assert.Equal(1, await app.WaitForExitAsync());
        Assert.Contains("Aspire's orchestrator ended", app.Output, StringComparison.Ordinal);
        await AssertNoneLeftAsync(children);
    }

    [Fact]
    public async Task A_server_that_ends_before_it_was_ever_healthy_ends_the_start_with_its_last_words()
    {
        // Where the AppHost has its data, whatever that is called.
        await using (var first = AppHostProcess.Start(_data.FullName, Native))
        {
            await first.WaitForOutputAsync(_ => _data.GetFiles("rabbitmq.conf", SearchOption.AllDirectories).Length > 0);
            var children = first.Descendants();
            await first.SignalAsync("TERM");
            await first.WaitForExitAsync();
            await AssertNoneLeftAsync(children);
        }

        var configuration = _data.GetFiles("rabbitmq.conf", SearchOption.AllDirectories).Single();
        await File.WriteAllTextAsync(Path.Combine(configuration.DirectoryName!, "advanced.config"), "broken(", Cancel);

        await using var app = AppHostProcess.Start(_data.FullName, Native);

        Assert.Equal(1, await app.WaitForExitAsync());
        Assert.Matches("rabbitmq-\\w+ ended: ", app.Output);
    }

    [Fact]
    public async Task Where_a_server_cannot_start_one_line_says_so_before_anything_starts()
    {
        await using var app = AppHostProcess.Start("/proc/data", Native);

        Assert.NotEqual(0, await app.WaitForExitAsync());
        Assert.Single(app.Output.Split('\n'), line => line.Contains("cannot write its data to /proc/data", StringComparison.Ordinal));
        Assert.DoesNotContain("Now listening on", app.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Data_of_a_newer_server_is_not_touched_and_one_line_says_so()
    {
        var data = _data.CreateSubdirectory("postgres");
        var version = Path.Combine(data.FullName, "PG_VERSION");
        await File.WriteAllTextAsync(version, "99\n", Cancel);
        using var check = Check("postgres", data.FullName);

        Assert.Equal(
            $"The data in {data.FullName} is of PostgreSQL 99, which is not installed: install it, or move that directory away.\n",
            await check.StandardError.ReadToEndAsync(Cancel));
        await check.WaitForExitAsync(Cancel);
        Assert.NotEqual(0, check.ExitCode);
        Assert.Equal(version, Assert.Single(data.GetFiles()).FullName);
    }

    [Fact]
    public async Task A_path_that_the_broker_cannot_start_in_is_named_at_once()
    {
        using var check = Check("rabbitmq", Path.Combine(_data.FullName, "it's", "rabbitmq"));

        Assert.Contains("has an apostrophe", await check.StandardError.ReadToEndAsync(Cancel), StringComparison.Ordinal);
        await check.WaitForExitAsync(Cancel);
        Assert.NotEqual(0, check.ExitCode);
    }

    private static Process Check(string server, string data) =>
        Process.Start(new ProcessStartInfo("sh", [AppProcesses.ScriptOf(server), "check"])
        {
            RedirectStandardError = true,
            Environment = { ["DATA"] = data },
        })!;

    private static int IdOf(AppHostProcess app, string program) =>
        app.Descendants().First(process => process.Program == program).Id;

    private static bool TryListen(HttpListener listener)
    {
        try
        {
            listener.Start();
            return true;
        }
        catch (Exception e) when (e is HttpListenerException or SocketException)
        {
            // A developer's own application has the port, which does as well.
            return false;
        }
    }

    /// <summary>What Ctrl+C does: all is gone soon, and the servers ended by themselves.</summary>
    private async Task StopAsync(AppHostProcess app)
    {
        var children = app.Descendants();
        await app.SignalAsync("INT");

        Assert.Equal(0, await app.WaitForExitAsync());
        await AssertNoneLeftAsync(children);
        // A server that is killed leaves this.
        Assert.Empty(_data.GetFiles("postmaster.pid", SearchOption.AllDirectories));
    }

    private static Task AssertNoneLeftAsync(IReadOnlyList<ProcessEntry> processes) =>
        Eventually.IsTrueAsync("No process left", _orphanLimit, () => !processes.Any(process => process.IsAlive));

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
