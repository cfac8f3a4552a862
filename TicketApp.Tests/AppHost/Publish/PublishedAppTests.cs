using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

[Collection(PublishedAppCollection.Name)]
public sealed class PublishedAppTests(PublishedAppFixture app)
{
    [Fact]
    public async Task A_ticket_is_answered_with_what_the_chart_gives_the_services()
    {
        Assert.SkipUnless(DeploymentTools.HasHelm, DeploymentTools.NoHelm);
        using var refused = await app.Api.GetAsync("/ticket?ticket_id=none", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);

        // Only an administrator creates users.
        using var stranger = await app.Api.PostAsync("/user", null, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Unauthorized, stranger.StatusCode);

        // What scales the workers has no key.
        var stats = await app.Api.GetFromJsonAsync<JsonObject>("/v1/stats", TestContext.Current.CancellationToken);
        Assert.True((long)stats!["open"]! >= 0);

        app.Api.DefaultRequestHeaders.Add("Authorization", PublishedAppFixture.AdminAuthorization);
        var ticket = await app.CreateTicketAsync(await app.CreateUserAsync());

        Assert.EndsWith("message", await app.FinishAsync(ticket), StringComparison.Ordinal);
    }

    /// <summary>As the containers of the chart have them: a program that wrote elsewhere than to /tmp would not start.</summary>
    [Fact]
    public void The_services_have_the_user_and_the_file_system_that_the_chart_gives_them()
    {
        Assert.SkipUnless(DeploymentTools.HasHelm, DeploymentTools.NoHelm);
        Assert.SkipUnless(PodRights.AreKept, "Only root can give a process another user and another file system.");

        foreach (var id in app.Services.Select(id => id.ToString(CultureInfo.InvariantCulture)))
        {
            var status = File.ReadAllLines($"/proc/{id}/status");
            Assert.Contains("Uid:\t1654\t1654\t1654\t1654", status);
            Assert.Contains("Gid:\t1654\t1654\t1654\t1654", status);
            Assert.Contains("NoNewPrivs:\t1", status);
            Assert.All(
                status.Where(line => line.StartsWith("Cap", StringComparison.Ordinal)),
                line => Assert.EndsWith("\t0000000000000000", line, StringComparison.Ordinal));
            var mounts = File.ReadLines($"/proc/{id}/mountinfo")
                .Select(line => line.Split(' ')).ToLookup(mount => mount[4], mount => mount[5]);
            Assert.StartsWith("ro,", mounts["/"].Last(), StringComparison.Ordinal);
            Assert.StartsWith("rw,", mounts["/tmp"].Last(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_process_of_a_service_that_takes_more_memory_than_its_limit_is_killed()
    {
        Assert.SkipUnless(PodRights.AreKept, "Only root can limit a process.");
        Workload workload = new() { Variables = new Dictionary<string, string>(), Memory = 32 << 20, Cpus = 0.5 };
        var limits = ResourceLimits.Of(workload);
        Assert.SkipWhen(limits is null, "This machine has no control groups.");

        // A line that does not end is kept whole.
        var (exitCode, _, _) = await Publication.RunAsync(
            "sh",
            ["-c", "for group; do echo $$ >\"$group/cgroup.procs\"; done; exec tail -n 1 /dev/zero", "sh", .. limits.Folders]);

        Assert.Equal(137, exitCode);
        Assert.Equal(1, limits.Kills);
        Assert.InRange(limits.PeakMemory, 16 << 20, 32 << 20);
        if (DeploymentTools.HasHelm)
        {
            Assert.All(app.Services, id => Assert.Contains(
                File.ReadLines($"/proc/{id.ToString(CultureInfo.InvariantCulture)}/cgroup"),
                line => line.Contains("/ticketapp-tests-", StringComparison.Ordinal)));
        }
    }

    /// <summary>What KEDA reads, and where in it: a path of GJSON, which for a name alone is that field.</summary>
    [Fact]
    public async Task What_scales_the_workers_finds_the_backlog_where_the_chart_says()
    {
        Assert.SkipUnless(DeploymentTools.HasHelm, DeploymentTools.NoHelm);
        var chart = Chart.Deployed;
        var scaler = chart.Parse("worker/scaler.yaml", chart.ValuesWithSecrets());
        var trigger = Assert.Single(scaler["spec"]!["triggers"]!.AsArray())!;
        Assert.Equal("metrics-api", (string?)trigger["type"]);
        var path = new Uri((string)trigger["metadata"]!["url"]!).AbsolutePath;
        var field = (string)trigger["metadata"]!["valueLocation"]!;
        Assert.Matches("^[a-z_]+$", field);
        var admin = AuthenticationHeaderValue.Parse(PublishedAppFixture.AdminAuthorization);

        await SendAsync(HttpMethod.Post, "/v1/admin/dispatch/pause");
        try
        {
            var user = (string)(await SendAsync(HttpMethod.Post, "/v1/users"))!["id"]!;
            // Some may still be dispatched and end: a pause counts from the next look at it. KEDA has no key.
            var open = await Eventually.LastAsync(
                TimeSpan.FromSeconds(60),
                async () =>
                {
                    await SendAsync(HttpMethod.Post, "/v1/tickets", new JsonObject { ["user_id"] = user });
                    return (await app.Replica(0).GetFromJsonAsync<JsonObject>(path, TestContext.Current.CancellationToken))![field];
                },
                value => value is JsonValue number && (long)number >= 3);
            Assert.True((long)open! >= 3, $"{field} is {open}");
        }
        finally
        {
            await SendAsync(HttpMethod.Post, "/v1/admin/dispatch/resume");
        }

        async Task<JsonNode?> SendAsync(HttpMethod method, string uri, JsonObject? body = null)
        {
            using HttpRequestMessage request = new(method, uri) { Headers = { Authorization = admin } };
            request.Content = body is null ? null : JsonContent.Create(body);
            using var response = await app.Replica(0).SendAsync(request, TestContext.Current.CancellationToken);
            response.EnsureSuccessStatusCode();
            return await response.Content.ReadFromJsonAsync<JsonNode>(TestContext.Current.CancellationToken);
        }
    }
}
