using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

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
}
