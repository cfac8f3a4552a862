using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using TicketApp.Api.Completion;
using TicketApp.Messaging;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Completion;

/// <summary>What "errors" is told, and how often.</summary>
[Collection(AppCollection.Name)]
public sealed class ErrorOutboxTests(AppFixture app)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_failure_is_told_once_also_that_of_a_ticket_that_was_made_to_run_again()
    {
        await using var ticket = await ScratchTicket.CreateAsync(app);
        await using ScratchReplica replica = new(app, ticket.Database);
        ErrorOutbox outbox = new(
            ticket.Database.Source, replica.Publisher, replica.Migrator, replica.Progress, NullLogger<ErrorOutbox>.Instance);
        await replica.StartAsync(outbox);

        var first = await FailAsync("first");
        await Eventually.IsTrueAsync("It is sent", _limit, () => ticket.IsAsync("not report_pending"));
        await ticket.SetAsync("status = 'queued', epoch = epoch + 1, time_finished = null, attempt = 0, error_type = null");
        await FailAsync("second");
        await Eventually.IsTrueAsync("The second is sent", _limit, () => ticket.IsAsync("not report_pending"));

        await Eventually.IsTrueAsync("Both are there", _limit, () => Messages().Length >= 2);
        Assert.Equal(["no first", "no second"], Messages().Select(message => (string)message["message"]!));
        Assert.All(Messages(), message => Assert.Equal("of-mine", (string?)message["reason"]));
        Assert.All(Messages(), message => Assert.Equal($"{first.UserId}", (string?)message["user_id"]));
        Assert.All(Messages(), message => Assert.InRange((double)message["processing_time_in_seconds"]!, 0, 300));

        JsonNode[] Messages() =>
            [.. app.Errors.All.Where(message => message.Contains($"{first.TicketId}", StringComparison.Ordinal)).Select(Parse)];

        async Task<TicketMessage> FailAsync(string message)
        {
            var started = await ticket.StartAsync();
            await ticket.ApplyAsync(ScratchTicket.Report(started, ReportType.Failed) with
            {
                IsFinal = true,
                ErrorType = "of-mine",
                ErrorMessage = $"no {message}",
            });
            return started;
        }
    }

    [Fact]
    public async Task While_another_replica_sends_this_one_does_not()
    {
        await using var ticket = await ScratchTicket.CreateAsync(app);
        await using var one = await ticket.Database.Source.OpenConnectionAsync(Cancel);
        await using var other = await ticket.Database.Source.OpenConnectionAsync(Cancel);
        await using var turn = await one.BeginTransactionAsync(Cancel);

        Assert.True(await ErrorOutbox.TryTakeTurnAsync(one, Cancel));
        Assert.False(await ErrorOutbox.TryTakeTurnAsync(other, Cancel));
        await turn.CommitAsync(Cancel);
        Assert.True(await ErrorOutbox.TryTakeTurnAsync(other, Cancel));
    }

    private static JsonNode Parse(string message) => JsonNode.Parse(message)!;
}
