using System.Net;
using Npgsql;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Tickets;

/// <summary>A ticket that ended without a response runs again when its caller says so.</summary>
[Collection(AppCollection.Name)]
public sealed class RetryTests(AppFixture app)
{
    private ResourceClient Api => new(app.Api);

    [Theory]
    [InlineData("failed")]
    [InlineData("timed_out")]
    [InlineData("expired")]
    [InlineData("canceled")]
    public async Task A_ticket_that_ended_without_a_response_runs_again(string status)
    {
        var user = await Api.CreateUserAsync();
        var ticket = await EndedAsync(user, status);
        Assert.Equal("model_error", (await Api.GetAsync($"/v1/tickets/{ticket}")).Json["error"]!["type"]!.GetValue<string>());

        var retried = await Api.PostAsync($"/v1/tickets/{ticket}/retry", null);
        Assert.Equal((HttpStatusCode.OK, "queued"), (retried.Status, retried.TicketStatus));
        Assert.Equal(6, retried.Json["max_attempts"]!.GetValue<int>());
        Assert.True(retried.Json["expires_at"]!.GetValue<DateTimeOffset>() > DateTimeOffset.UtcNow.AddMinutes(4));
        Assert.Null(retried.Json["error"]);

        var finished = await Api.FinishAsync(ticket);
        Assert.Equal(("succeeded", 4), (finished.TicketStatus, finished.Json["attempt"]!.GetValue<int>()));
        Assert.Equal(
            $"{status} It broke",
            await ValueAsync($"select outcome || ' ' || error_message from ticket_attempts where ticket_id = '{ticket}' and epoch = 3"));
    }

    [Fact]
    public async Task A_repetition_under_the_same_key_runs_it_once()
    {
        var user = await Api.CreateUserAsync();
        var ticket = await EndedAsync(user, "failed", """{"seconds":60}""");
        var first = await Api.PostAsync($"/v1/tickets/{ticket}/retry", null, ("Idempotency-Key", "once"));
        var again = await Api.PostAsync($"/v1/tickets/{ticket}/retry", null, ("Idempotency-Key", "once"));
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (first.Status, again.Status));
        Assert.False(first.Headers.Contains("Idempotent-Replayed"));
        Assert.Equal("true", again.Headers.GetValues("Idempotent-Replayed").Single());
        Assert.Equal(ticket, again.Id);

        // Also once it has ended again: another run needs another key.
        await Api.PostAsync($"/v1/tickets/{ticket}/cancel", null);
        await Api.FinishAsync(ticket);
        var late = await Api.PostAsync($"/v1/tickets/{ticket}/retry", null, ("Idempotency-Key", "once"));
        Assert.Equal((HttpStatusCode.OK, "canceled"), (late.Status, late.TicketStatus));
        var other = await EndedAsync(user, "failed");
        Assert.Equal("queued", (await Api.PostAsync($"/v1/tickets/{other}/retry", null, ("Idempotency-Key", "once"))).TicketStatus);
        (await Api.PostAsync($"/v1/tickets/{other}/retry", null, ("Idempotency-Key", "")))
            .Problem(HttpStatusCode.BadRequest, "invalid-request");
    }

    [Fact]
    public async Task A_ticket_that_succeeded_or_is_open_does_not()
    {
        var ticket = (await Api.CreateTicketAsync(await Api.CreateUserAsync())).Id;
        (await Api.PostAsync($"/v1/tickets/{ticket}/retry", null)).Problem(HttpStatusCode.Conflict, "not-retryable");
        await Api.FinishAsync(ticket);
        (await Api.PostAsync($"/v1/tickets/{ticket}/retry", null)).Problem(HttpStatusCode.Conflict, "not-retryable");
        (await Api.PostAsync($"/v1/tickets/{Guid.NewGuid()}/retry", null)).Problem(HttpStatusCode.NotFound, "ticket-not-found");
    }

    private async Task<string> EndedAsync(string user, string status, string? input = null)
    {
        var ticket = Guid.CreateVersion7().ToString();
        await ExecuteAsync(
            $"""
            insert into tickets (
                ticket_id, user_id, input, status, attempt, epoch,
                time_created, expires_at, due_at, time_finished, error_type, error_message)
            values ('{ticket}', '{user}', {(input is null ? "null" : $"'{input}'")}, '{status}', 3, 3,
                now(), now(), now(), now(), 'model_error', 'It broke')
            """);
        return ticket;
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var database = NpgsqlDataSource.Create(app.Database);
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    private async Task<string> ValueAsync(string sql)
    {
        await using var database = NpgsqlDataSource.Create(app.Database);
        await using var command = database.CreateCommand(sql);
        return (string)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }
}
