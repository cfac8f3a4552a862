using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Npgsql;
using TicketApp.Api.Webhooks;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Webhooks;

/// <summary>Webhooks on their way from the running application to a receiver in this process.</summary>
[Collection(AppCollection.Name)]
public sealed class WebhookDeliveryTests(AppFixture app) : IAsyncLifetime
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(30);

    private WebhookTickets _tickets = null!;
    private Guid _userId;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _userId = Guid.Parse(await app.CreateUserAsync());
        _tickets = new(NpgsqlDataSource.Create(app.Database));
    }

    public ValueTask DisposeAsync() => _tickets.DisposeAsync();

    [Fact]
    public async Task A_ticket_tells_of_its_end_signed_and_whole()
    {
        var secret = await CreateSecretAsync();
        await using var receiver = await WebhookReceiver.StartAsync();
        var ticket = new { user_id = _userId, webhook = new { url = receiver.Url } };
        using var creation = await app.Api.PostAsJsonAsync("/v1/tickets", ticket, Cancel);
        Assert.Equal(HttpStatusCode.Created, creation.StatusCode);
        var ticketId = (await creation.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("id").GetString()!;

        var webhook = Assert.Single(await receiver.WaitAsync(1));

        Assert.Equal("ticket.finished", webhook.Type);
        AssertSigned(webhook, secret);
        var sent = DateTimeOffset.FromUnixTimeSeconds(webhook.Timestamp);
        Assert.InRange(sent, DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow.AddMinutes(1));
        using var answer = await app.Api.GetAsync($"/v1/tickets/{ticketId}", Cancel);
        Assert.Equal(await answer.Content.ReadAsStringAsync(Cancel), webhook.Data.GetRawText());
        var delivery = await DeliveryAsync(ticketId, "delivered");
        Assert.Equal(webhook.Id, delivery.GetProperty("id").GetString());
        Assert.Equal(204, Assert.Single(delivery.GetProperty("attempts").EnumerateArray()).GetProperty("status_code").GetInt32());
    }

    [Fact]
    public async Task What_fails_is_tried_again_and_what_follows_waits()
    {
        await using var receiver = await WebhookReceiver.StartAsync((context, number) => Answer(context, number <= 2 ? 500 : 200));
        var ticketId = await _tickets.CreateAsync(_userId, receiver.Url);
        await _tickets.StartAsync(ticketId);
        await _tickets.FinishAsync(ticketId);

        var received = await receiver.WaitAsync(4);

        Assert.Equal(["ticket.started", "ticket.started", "ticket.started", "ticket.finished"], received.Select(webhook => webhook.Type));
        Assert.Equal(
            ["running", "running", "running", "succeeded"],
            received.Select(webhook => webhook.Data.GetProperty("status").GetString()));
        Assert.Single(received.Take(3).Select(webhook => webhook.Id).Distinct());
        Assert.NotEqual(received[0].Id, received[3].Id);
        var attempts = (await DeliveryAsync(ticketId, "delivered", "ticket.started")).GetProperty("attempts").EnumerateArray();
        Assert.Equal([200, 500, 500], attempts.Select(attempt => attempt.GetProperty("status_code").GetInt32()));
    }

    [Fact]
    public async Task A_redirect_is_a_failure_and_never_followed()
    {
        await using var target = await WebhookReceiver.StartAsync();
        await using var receiver = await WebhookReceiver.StartAsync((context, _) =>
        {
            context.Response.Redirect(target.Url, permanent: true, preserveMethod: true);
            return Task.CompletedTask;
        });
        var ticketId = await FinishedTicketAsync(receiver.Url);

        var delivery = await DeliveryAsync(ticketId, "dead");

        var attempts = delivery.GetProperty("attempts").EnumerateArray();
        Assert.Equal([308, 308, 308], attempts.Select(attempt => attempt.GetProperty("status_code").GetInt32()));
        Assert.Empty(target.Received);
        using var dead = await app.Api.GetAsync($"/v1/users/{_userId}/webhook-deliveries/dead", Cancel);
        var results = (await dead.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("results");
        Assert.Equal(delivery.GetProperty("id").GetString(), Assert.Single(results.EnumerateArray()).GetProperty("id").GetString());
    }

    [Fact]
    public async Task Receivers_that_hang_hold_up_only_their_own()
    {
        await using var hanging = await WebhookReceiver.StartAsync((context, _) => Task.Delay(Timeout.Infinite, context.RequestAborted));
        await using var receiver = await WebhookReceiver.StartAsync();
        var slow = new List<Guid>();
        for (var i = 0; i < 20; i++)
        {
            slow.Add(await FinishedTicketAsync(hanging.Url));
        }

        await hanging.WaitAsync(1);
        await FinishedTicketAsync(receiver.Url);
        await receiver.WaitAsync(1);

        // Two at once, two seconds each: of twenty, most have not been tried yet.
        Assert.True(hanging.Received.Count < 20);
        Assert.InRange(hanging.MaxConcurrency, 1, 2);
        var attempt = await AttemptAsync(slow[0]);
        Assert.Equal("timeout", attempt.GetProperty("error").GetString());
        Assert.InRange(attempt.GetProperty("duration_ms").GetInt32(), 1900, 20_000);
    }

    [Fact]
    public async Task Gone_switches_the_endpoint_off_until_its_user_wants_it_back()
    {
        await using var receiver = await WebhookReceiver.StartAsync((context, number) => Answer(context, number == 1 ? 410 : 200));
        var first = await FinishedTicketAsync(receiver.Url);
        await DeliveryAsync(first, "dead");
        var second = await FinishedTicketAsync(receiver.Url);
        var delivery = await DeliveryAsync(second, "dead");

        Assert.Single(receiver.Received);
        Assert.Equal("endpoint_off", Assert.Single(delivery.GetProperty("attempts").EnumerateArray()).GetProperty("error").GetString());
        var path = $"/v1/users/{_userId}/webhook-endpoints/off";
        var off = (await app.Api.GetFromJsonAsync<JsonElement>(path, Cancel)).GetProperty("results");
        Assert.Equal(receiver.Url, Assert.Single(off.EnumerateArray()).GetProperty("url").GetString());

        using var on = await app.Api.DeleteAsync($"{path}?url={Uri.EscapeDataString(receiver.Url)}", Cancel);
        Assert.Equal(HttpStatusCode.NoContent, on.StatusCode);
        using var replay = await ReplayAsync(second, delivery);
        Assert.Equal(HttpStatusCode.Accepted, replay.StatusCode);
        await DeliveryAsync(second, "delivered");
        Assert.Equal(2, receiver.Received.Count);
    }

    [Fact]
    public async Task What_was_delivered_can_be_sent_again()
    {
        using SemaphoreSlim hold = new(1);
        await using var receiver = await WebhookReceiver.StartAsync((context, _) => hold.WaitAsync(context.RequestAborted));
        var ticketId = await FinishedTicketAsync(receiver.Url);
        var delivery = await DeliveryAsync(ticketId, "delivered");

        using var replay = await ReplayAsync(ticketId, delivery);
        Assert.Equal(HttpStatusCode.Accepted, replay.StatusCode);
        var received = await receiver.WaitAsync(2);
        using var again = await ReplayAsync(ticketId, delivery);
        Assert.Equal(HttpStatusCode.Conflict, again.StatusCode);
        hold.Release();

        Assert.Equal(received[0].Id, received[1].Id);
        Assert.Equal(received[0].Body, received[1].Body);
        Assert.Equal(2, (await DeliveryAsync(ticketId, "delivered")).GetProperty("attempt_count").GetInt32());
        using var unknown = await app.Api.PostAsync($"/v1/tickets/{ticketId}/deliveries/msg_{Guid.NewGuid():N}/replay", null, Cancel);
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
    }

    [Fact]
    public async Task While_secrets_rotate_both_sign()
    {
        var (oldest, old) = (await CreateSecretAsync(), await CreateSecretAsync());
        var current = await CreateSecretAsync();
        await using var receiver = await WebhookReceiver.StartAsync();
        await FinishedTicketAsync(receiver.Url);

        var webhook = Assert.Single(await receiver.WaitAsync(1));

        Assert.Equal(2, webhook.Signatures.Distinct().Count());
        AssertSigned(webhook, current);
        AssertSigned(webhook, old);
        Assert.DoesNotContain(Sign(webhook, oldest), webhook.Signatures);
    }

    [Fact]
    public async Task What_is_too_large_to_send_is_left_out_and_said_so()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        var ticketId = await _tickets.CreateAsync(_userId, receiver.Url);
        await _tickets.FinishAsync(ticketId, new string('x', 20_000));

        var webhook = Assert.Single(await receiver.WaitAsync(1));

        Assert.True(webhook.Truncated);
        Assert.Equal("succeeded", webhook.Data.GetProperty("status").GetString());
        Assert.Equal(JsonValueKind.Null, webhook.Data.GetProperty("response").ValueKind);
    }

    [Theory]
    [InlineData("""{"url":"ftp://example.com/"}""", "webhook.url")]
    [InlineData("""{"url":null}""", "webhook.url")]
    [InlineData("""{"url":"https://example.com/","events":[]}""", "webhook.events")]
    [InlineData("""{"url":"https://example.com/","events":["ticket.lost"]}""", "webhook.events")]
    [InlineData("""{"url":"https://example.com/","events":[null]}""", "webhook.events")]
    [InlineData("""{"url":"https://example.com/","secret":"x"}""", "webhook.secret")]
    public async Task A_webhook_that_cannot_be_is_refused_with_its_ticket(string webhook, string field)
    {
        using StringContent body = new($$"""{"user_id":"{{_userId}}","webhook":{{webhook}}}""", null, "application/json");
        using var response = await app.Api.PostAsync("/v1/tickets", body, Cancel);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.True((await response.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("errors").TryGetProperty(field, out _));
    }

    private static Task Answer(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    }

    private static string Sign(ReceivedWebhook webhook, string secret) =>
        WebhookSignature.Sign([Convert.FromBase64String(secret["whsec_".Length..])], webhook.Id, webhook.Timestamp, webhook.Body);

    private static void AssertSigned(ReceivedWebhook webhook, string secret) => Assert.Contains(Sign(webhook, secret), webhook.Signatures);

    private async Task<Guid> FinishedTicketAsync(string url)
    {
        var ticketId = await _tickets.CreateAsync(_userId, url);
        await _tickets.FinishAsync(ticketId);
        return ticketId;
    }

    private async Task<string> CreateSecretAsync()
    {
        using var response = await app.Api.PostAsync($"/v1/users/{_userId}/webhook-secrets", null, Cancel);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        return (await response.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("secret").GetString()!;
    }

    private async Task<HttpResponseMessage> ReplayAsync(Guid ticketId, JsonElement delivery) =>
        await app.Api.PostAsync($"/v1/tickets/{ticketId}/deliveries/{delivery.GetProperty("id").GetString()}/replay", null, Cancel);

    private Task<JsonElement> DeliveryAsync(Guid ticketId, string status, string type = "ticket.finished") =>
        DeliveryAsync(ticketId.ToString(), status, type);

    /// <summary>The delivery once it has that status.</summary>
    private async Task<JsonElement> DeliveryAsync(string ticketId, string status, string type = "ticket.finished") =>
        (JsonElement)await Eventually.GetAsync<object>($"{type} of {ticketId} {status}", _deadline, async () =>
            (await DeliveriesAsync(ticketId))
                .Where(delivery => delivery.GetProperty("type").GetString() == type)
                .Where(delivery => delivery.GetProperty("status").GetString() == status)
                .Select(delivery => (object)delivery)
                .SingleOrDefault());

    private async Task<JsonElement> AttemptAsync(Guid ticketId) =>
        (JsonElement)await Eventually.GetAsync<object>($"Attempt for {ticketId}", _deadline, async () =>
            (await DeliveriesAsync(ticketId.ToString()))
                .SelectMany(delivery => delivery.GetProperty("attempts").EnumerateArray())
                .Select(attempt => (object)attempt)
                .FirstOrDefault());

    private async Task<IEnumerable<JsonElement>> DeliveriesAsync(string ticketId) =>
        (await app.Api.GetFromJsonAsync<JsonElement>($"/v1/tickets/{ticketId}/deliveries", Cancel)).GetProperty("results").EnumerateArray();
}
