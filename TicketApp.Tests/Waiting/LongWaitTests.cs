using System.Diagnostics;
using System.Net;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Waiting;

/// <summary>Waiting for tickets that take longer than their limit.</summary>
[Collection(SlowAppCollection.Name)]
public sealed class LongWaitTests(SlowAppFixture app)
{
    private ResourceClient Api => new(app.Api);

    [Fact]
    public async Task A_wait_ends_with_its_time_or_with_the_ticket()
    {
        var started = Stopwatch.GetTimestamp();
        var created = await Api.CreateTicketAsync(await Api.CreateUserAsync(), ("Prefer", "wait=1"));
        Assert.Equal(HttpStatusCode.Created, created.Status);
        Assert.Contains(created.TicketStatus, new[] { "queued", "running" });
        Assert.True(Stopwatch.GetElapsedTime(started) >= TimeSpan.FromSeconds(1));

        var ended = await Api.GetAsync($"/v1/tickets/{created.Id}", ("Prefer", "wait=99"));
        Assert.Equal("wait=60", Assert.Single(ended.Headers.GetValues("Preference-Applied")));
        Assert.Equal(("timed_out", "processing_timeout"), (ended.TicketStatus, ended.Json["error"]!["type"]!.GetValue<string>()));
        Assert.InRange(Stopwatch.GetElapsedTime(started), SlowAppFixture.Deadline, TimeSpan.FromSeconds(30));
    }
}
