using System.Net;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Tickets;

/// <summary>Idempotency keys: whatever is repeated, however often at once and on whichever replica, makes one ticket.</summary>
[Collection(FaultCollection.Name)]
public sealed class IdempotencyTests(FaultApp app)
{
    private ResourceClient Api => new(app.Api);

    [Fact]
    public async Task A_repeated_request_gives_the_same_ticket()
    {
        var user = await Api.CreateUserAsync();
        var first = await Api.CreateTicketAsync(user, ("Idempotency-Key", "a"));
        var second = await Api.CreateTicketAsync(user, ("Idempotency-Key", "a"));

        Assert.Equal((HttpStatusCode.Created, first.Id), (second.Status, second.Id));
        Assert.False(first.Headers.Contains("Idempotent-Replayed"));
        Assert.Equal("true", Assert.Single(second.Headers.GetValues("Idempotent-Replayed")));
        Assert.NotEqual(first.Id, (await Api.CreateTicketAsync(user, ("Idempotency-Key", "b"))).Id);
        Assert.NotEqual(first.Id, (await Api.CreateTicketAsync(await Api.CreateUserAsync(), ("Idempotency-Key", "a"))).Id);
    }

    [Fact]
    public async Task A_repeated_creation_of_a_user_gives_the_same_user()
    {
        var key = $"user-{Guid.NewGuid()}";
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Api.PostAsync("/v1/users", null, ("Idempotency-Key", key))));
        var late = await Api.PostAsync("/v1/users", null, ("Idempotency-Key", key));

        Assert.All(answers, answer => Assert.Equal((HttpStatusCode.Created, late.Body), (answer.Status, answer.Body)));
        Assert.Single(answers, answer => !answer.Headers.Contains("Idempotent-Replayed"));
        Assert.Equal("true", Assert.Single(late.Headers.GetValues("Idempotent-Replayed")));
        Assert.Equal(HttpStatusCode.Created, (await Api.CreateTicketAsync(late.Id)).Status);
        Assert.NotEqual(late.Id, (await Api.PostAsync("/v1/users", null, ("Idempotency-Key", $"{key}2"))).Id);
        (await Api.PostAsync("/v1/users", null, ("Idempotency-Key", "two words"))).Problem(HttpStatusCode.BadRequest, "invalid-request");
    }

    [Fact]
    public async Task Another_body_under_the_same_key_is_refused()
    {
        var user = await Api.CreateUserAsync();
        await Api.CreateTicketAsync(user, ("Idempotency-Key", "a"));
        var other = await Api.PostAsync("/v1/tickets", $$"""{"user_id":"{{user}}","priority":"high"}""", ("Idempotency-Key", "a"));

        other.Problem(HttpStatusCode.UnprocessableEntity, "idempotency-key-reused");
    }

    [Fact]
    public async Task Requests_at_the_same_moment_make_one_ticket_a_key()
    {
        var user = await Api.CreateUserAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 300).Select(async i =>
        {
            var key = $"key-{i % 10}";
            return (Key: key, Answer: await Api.CreateTicketAsync(user, ("Idempotency-Key", key)));
        }));

        Assert.All(answers, one => Assert.Equal(HttpStatusCode.Created, one.Answer.Status));
        Assert.All(answers.GroupBy(one => one.Key), group =>
        {
            Assert.Single(group.Select(one => one.Answer.Id).Distinct());
            Assert.Single(group, one => !one.Answer.Headers.Contains("Idempotent-Replayed"));
        });
        var listed = await Api.GetAsync($"/v1/tickets?user_id={user}&limit=100");
        Assert.Equal(10, listed.Results.Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("two words")]
    [InlineData("LONG")]
    public async Task A_key_that_is_none_is_refused(string key)
    {
        var sent = key == "LONG" ? new string('k', 256) : key;
        var answer = await Api.CreateTicketAsync(await Api.CreateUserAsync(), ("Idempotency-Key", sent));

        answer.Problem(HttpStatusCode.BadRequest, "invalid-request");
    }

    [Fact]
    public async Task A_key_of_nobody_makes_nothing()
    {
        var answer = await Api.CreateTicketAsync("00000000-0000-7000-8000-000000000000", ("Idempotency-Key", "a"));

        answer.Problem(HttpStatusCode.NotFound, "user-not-found");
    }
}
