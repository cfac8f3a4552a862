using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using TicketApp.ServiceDefaults;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost;

/// <summary>What Aspire does for the application: it starts in order, services find each other, and administrators have commands.</summary>
[Collection(AspireCollection.Name)]
public sealed class JourneyTests(AspireApp app)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_ticket_goes_all_the_way()
    {
        using var user = await app.Api.PostAsync("/user", null, Cancel);
        var userId = await FieldAsync(user, "user_id");
        using var ticket = await app.Api.PostAsJsonAsync("/ticket", new JsonObject { ["user_id"] = userId }, Cancel);
        var ticketId = await FieldAsync(ticket, "ticket_id");

        var response = await Eventually.GetAsync("answer", TimeSpan.FromSeconds(60), async () =>
        {
            using var answer = await app.Api.GetAsync($"/ticket?ticket_id={ticketId}", Cancel);
            return answer.StatusCode == HttpStatusCode.Accepted ? null : await FieldAsync(answer, "ticket_response");
        });

        Assert.Contains(response, (string[])["Happy message", "Sad message"]);
    }

    [Fact]
    public void Services_started_after_the_servers_that_they_use_were_healthy()
    {
        DateTime? StartOf(string resource) => app.InstancesOf(resource).Min(instance => instance.Snapshot.StartTimeStamp);

        Assert.True(StartOf("api") > StartOf("postgres"));
        Assert.True(StartOf("api") > StartOf("rabbitmq"));
        Assert.True(StartOf("worker") > StartOf("rabbitmq"));
        Assert.Equal(2, app.InstancesOf("worker").Count);
    }

    [Fact]
    public async Task A_service_finds_the_api_by_its_name()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new());
        // What WithReference(api) gives a service.
        builder.Configuration.AddInMemoryCollection([new("services:api:http:0", app.App.GetEndpoint("api").ToString())]);
        builder.AddServiceDefaults();
        using var host = builder.Build();
        using var client = host.Services.GetRequiredService<IHttpClientFactory>().CreateClient();

        using var answer = await client.GetAsync(new Uri("http://api/health"), Cancel);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Theory]
    [InlineData("check-invariants")]
    [InlineData("resume-dispatching")]
    public async Task Administrators_have_commands(string command)
    {
        var result = await app.ExecuteAsync("api", command);

        Assert.StartsWith("{\"", result.Data!.Value, StringComparison.Ordinal);
    }

    private static async Task<string> FieldAsync(HttpResponseMessage response, string name)
    {
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return (await response.Content.ReadFromJsonAsync<JsonObject>(Cancel))![name]!.GetValue<string>();
    }
}
