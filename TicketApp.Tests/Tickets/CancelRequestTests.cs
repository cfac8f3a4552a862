using System.Net;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Tickets;

/// <summary>Canceling over HTTP; what it does to runs is tested where it is done.</summary>
[Collection(SlowAppCollection.Name)]
public sealed class CancelRequestTests(SlowAppFixture app)
{
    private ResourceClient Api => new(app.Api);

    [Fact]
    public async Task A_ticket_is_canceled_once_and_for_all()
    {
        var ticket = (await Api.CreateTicketAsync(await Api.CreateUserAsync())).Id;
        var first = await Api.PostAsync($"/v1/tickets/{ticket}/cancel", null);
        Assert.Contains(
            (first.Status, first.TicketStatus),
            new[] { (HttpStatusCode.OK, "canceled"), (HttpStatusCode.Accepted, "canceling") });

        var ended = await Api.FinishAsync(ticket);
        Assert.Equal("canceled", ended.TicketStatus);
        var again = await Api.PostAsync($"/v1/tickets/{ticket}/cancel", null);
        Assert.Equal((HttpStatusCode.OK, ended.Body), (again.Status, again.Body));
        (await Api.PostAsync($"/v1/tickets/{Guid.NewGuid()}/cancel", null)).Problem(HttpStatusCode.NotFound, "ticket-not-found");
    }
}
