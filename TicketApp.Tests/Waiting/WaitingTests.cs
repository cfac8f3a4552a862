using System.Net;
using System.Net.ServerSentEvents;
using System.Text.Json.Nodes;
using Npgsql;
using RabbitMQ.Client;
using TicketApp.Messaging;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Waiting;

/// <summary>Waiting for tickets and listening to them, over two replicas: results come to either, callers wait on either.</summary>
[Collection(FaultCollection.Name)]
public sealed class WaitingTests(FaultApp app)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private ResourceClient Api => new(app.Api);

    [Fact]
    public async Task Whoever_waits_has_the_answer_soon_after_the_end()
    {
        var user = await Api.CreateUserAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 60).Select(async _ =>
        {
            var answer = await Api.CreateTicketAsync(user, ("Prefer", "respond-async, wait=\"30\""));
            return (Answer: answer, Late: DateTimeOffset.UtcNow - answer.Json["finished_at"]!.GetValue<DateTimeOffset>());
        }));

        Assert.All(answers, one => Assert.Equal((HttpStatusCode.Created, "succeeded"), (one.Answer.Status, one.Answer.TicketStatus)));
        Assert.All(answers, one => Assert.Equal(
            "respond-async,wait=30", Assert.Single(one.Answer.Headers.GetValues("Preference-Applied"))));
        // Several times what is promised: the machine is busy with tests.
        Assert.All(answers, one => Assert.InRange(one.Late, TimeSpan.FromSeconds(-1), TimeSpan.FromSeconds(2)));
    }

    [Theory]
    [InlineData("wait=0")]
    [InlineData("wait=-1")]
    [InlineData("wait=soon")]
    [InlineData("wait")]
    [InlineData("handling=strict")]
    [InlineData(";,=,\"")]
    public async Task What_is_no_wish_to_wait_is_none(string preference)
    {
        var answer = await Api.CreateTicketAsync(await Api.CreateUserAsync(), ("Prefer", preference));

        Assert.Equal(HttpStatusCode.Created, answer.Status);
        Assert.False(answer.Headers.Contains("Preference-Applied"));
    }

    [Fact]
    public async Task An_answer_before_the_work_is_done_is_granted_to_a_new_ticket()
    {
        var answer = await Api.CreateTicketAsync(await Api.CreateUserAsync(), ("Prefer", "Respond-Async; q=1"));

        Assert.Equal(HttpStatusCode.Created, answer.Status);
        Assert.Equal("respond-async", Assert.Single(answer.Headers.GetValues("Preference-Applied")));
        Assert.Equal(answer.Json["urls"]!["self"]!.GetValue<string>(), answer.Headers.Location!.ToString());
    }

    [Fact]
    public async Task Events_tell_of_a_ticket_in_order_until_its_end()
    {
        var user = await Api.CreateUserAsync();
        var streams = await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
            await EventsAsync((await Api.CreateTicketAsync(user)).Id)));

        foreach (var events in streams)
        {
            var named = events.Where(one => one.EventType != "progress").ToArray();
            Assert.Equal(("queued", "finished"), (named[0].EventType, named[^1].EventType));
            Assert.All(named, one => Assert.Contains(one.EventType, new[] { "queued", "started", "finished" }));
            var numbers = named.Select(one => long.Parse(one.EventId!, System.Globalization.CultureInfo.InvariantCulture)).ToArray();
            Assert.Equal(numbers.Order().Distinct(), numbers);
            Assert.Equal("succeeded", JsonNode.Parse(named[^1].Data)!["status"]!.GetValue<string>());
        }
    }

    [Fact]
    public async Task Events_continue_where_the_listener_left_off()
    {
        var ticket = (await Api.CreateTicketAsync(await Api.CreateUserAsync())).Id;
        var all = (await EventsAsync(ticket)).Where(one => one.EventType != "progress").ToArray();

        for (var i = 0; i < all.Length - 1; i++)
        {
            var rest = await EventsAsync(ticket, all[i].EventId!);
            Assert.Equal(all[(i + 1)..].Select(one => (one.EventType, one.EventId)), rest.Select(one => (one.EventType, one.EventId)));
        }

        var nothing = await Api.GetAsync($"/v1/tickets/{ticket}/events", ("Last-Event-ID", all[^1].EventId!));
        Assert.Equal(HttpStatusCode.NoContent, nothing.Status);
        Assert.NotEmpty(await EventsAsync(ticket, "garbage"));
    }

    /// <summary>A replica that is held up stores a report later than another replica the next one.</summary>
    [Fact]
    public async Task Progress_is_told_in_its_order_though_reports_come_in_another()
    {
        ScriptedModel model = new();
        await using var worker = await TestWorker.StartAsync(app, model);
        var user = await app.CreateUserAsync();
        JsonNode input = new JsonObject { ["pieces"] = new JsonArray("one "), ["gate"] = "end", ["output"] = "all" };
        var ticket = await Api.PostAsync(
            "/v1/tickets", new JsonObject { ["user_id"] = user, ["model"] = model.Name, ["input"] = input }.ToJsonString());
        await using var database = NpgsqlDataSource.Create(app.Database);
        await Eventually.IsTrueAsync("One is reported", TimeSpan.FromSeconds(30), async () => await StoreAsync(3, "three ") == 1);

        using var response = await app.Api.GetAsync(
            new Uri($"/v1/tickets/{ticket.Id}/events", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Cancel);
        await using var stream = await response.Content.ReadAsStreamAsync(Cancel);
        List<string> told = [];
        await foreach (var item in SseParser.Create(stream).EnumerateAsync(Cancel))
        {
            if (item.EventType != "progress" || (string?)JsonNode.Parse(item.Data)!["text"] is not { } text)
            {
                continue;
            }

            told.Add(text);
            if (text == "one ")
            {
                await StoreAsync(2, "two ");
                await StoreAsync(4, "four");
            }
            else if (text == "four")
            {
                await Api.PostAsync("/v1/tickets", new JsonObject
                {
                    ["user_id"] = user,
                    ["model"] = model.Name,
                    ["input"] = new JsonObject { ["open"] = "end" },
                }.ToJsonString());
            }
        }

        Assert.Equal(["one ", "two ", "three ", "four"], told);

        async Task<int> StoreAsync(int sequence, string text)
        {
            await using var command = database.CreateCommand(
                $"""
                insert into ticket_progress (ticket_id, epoch, seq, text)
                select ticket_id, epoch, {sequence}, '{text}' from ticket_progress where ticket_id = '{ticket.Id}' and seq = 1
                """);
            return await command.ExecuteNonQueryAsync(Cancel);
        }
    }

    /// <summary>Of a model that nobody serves, so that nothing else happens to it.</summary>
    [Theory]
    [InlineData("dispatched", ReportType.Started)]
    [InlineData("running", ReportType.Progress)]
    [InlineData("running", ReportType.Finished)]
    [InlineData("running", ReportType.Failed)]
    [InlineData("running", ReportType.Returned)]
    [InlineData("running", ReportType.Redelivered)]
    public async Task Replicas_tell_each_other_of_tickets_that_workers_report(string status, ReportType type)
    {
        await using var other = await OtherReplica.StartAsync(app);
        await using StoredTicket ticket = await StoredTicket.CreateAsync(app, status);
        WorkerReport report = new()
        {
            Type = type,
            Worker = "of a test",
            TicketId = ticket.Id,
            Epoch = 1,
            Response = "done",
            Sequence = 1,
            ErrorType = "failed",
        };

        await using var connection = await new ConnectionFactory { Uri = app.WorkerBroker }.CreateConnectionAsync(Cancel);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Cancel);
        await channel.BasicPublishAsync(
            QueueNames.Reports, QueueNames.Responses, ContractJson.Serialize(report, ContractJson.Default.WorkerReport), Cancel);

        await ToldAsync(other, ticket.Id);
    }

    [Theory]
    [InlineData("running", "lease_expires = now()")]
    [InlineData("retryable", "due_at = now()")]
    [InlineData("queued", "due_at = now(), expires_at = now()")]
    public async Task Replicas_tell_each_other_of_tickets_whose_time_is_over(string status, string change)
    {
        await using var other = await OtherReplica.StartAsync(app);
        await using StoredTicket ticket = await StoredTicket.CreateAsync(app, status);

        await ticket.UpdateAsync(change);

        await ToldAsync(other, ticket.Id);
    }

    [Theory]
    [InlineData("queued", "cancel")]
    [InlineData("running", "cancel")]
    [InlineData("canceled", "retry")]
    public async Task Replicas_tell_each_other_of_what_callers_do_to_tickets(string status, string deed)
    {
        await using var other = await OtherReplica.StartAsync(app);
        await using StoredTicket ticket = await StoredTicket.CreateAsync(app, status);

        var answer = await Api.PostAsync($"/v1/tickets/{ticket.Id}/{deed}", "{}");

        Assert.InRange((int)answer.Status, 200, 202);
        await ToldAsync(other, ticket.Id);
    }

    [Fact]
    public async Task A_listener_is_told_what_another_replica_did_though_the_broker_is_away()
    {
        await using StoredTicket ticket = await StoredTicket.CreateAsync(app, "queued");
        var broker = Assert.Single(app.InstancesOf("rabbitmq"));
        Uri events = new($"/v1/tickets/{ticket.Id}/events", UriKind.Relative);
        var listening = await Task.WhenAll(app.Replicas.Select(replica =>
            replica.GetAsync(events, HttpCompletionOption.ResponseHeadersRead, Cancel)));
        await app.KillAsync(broker);
        try
        {
            var answer = await Api.PostAsync($"/v1/tickets/{ticket.Id}/cancel", "{}");
            Assert.Equal("canceled", answer.TicketStatus);

            var told = await Task.WhenAll(listening.Select(response => response.Content.ReadAsStringAsync(Cancel)))
                .WaitAsync(_limit, Cancel);
            Assert.All(told, text => Assert.Contains("event: finished", text, StringComparison.Ordinal));
        }
        finally
        {
            Array.ForEach(listening, response => response.Dispose());
            await app.StartAsync(broker);
        }
    }

    private static Task ToldAsync(OtherReplica other, Guid ticketId) =>
        Eventually.IsTrueAsync("The news", _limit, () => other.Heard.Any(message => message.Tickets.Contains(ticketId)));

    private async Task<List<SseItem<string>>> EventsAsync(string ticket, string? after = null)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, $"/v1/tickets/{ticket}/events");
        if (after is not null)
        {
            request.Headers.TryAddWithoutValidation("Last-Event-ID", after);
        }

        using var response = await app.Api.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
        Assert.Equal((HttpStatusCode.OK, "text/event-stream"), (response.StatusCode, response.Content.Headers.ContentType?.ToString()));
        await using var stream = await response.Content.ReadAsStreamAsync(Cancel);
        List<SseItem<string>> events = [];
        await foreach (var item in SseParser.Create(stream).EnumerateAsync(Cancel))
        {
            events.Add(item);
        }

        return events;
    }

    /// <summary>A ticket in some state, of a model that nobody serves; gone afterwards.</summary>
    private sealed class StoredTicket(NpgsqlDataSource database, Guid id) : IAsyncDisposable
    {
        public Guid Id => id;

        public static async Task<StoredTicket> CreateAsync(FaultApp app, string status)
        {
            StoredTicket ticket = new(NpgsqlDataSource.Create(app.Database), Guid.CreateVersion7());
            await ticket.ExecuteAsync(
                $"""
                insert into tickets (
                    ticket_id, user_id, model, status, attempt, epoch, queue_key, lease_expires, time_finished, expires_at, due_at)
                select '{ticket.Id}', '{await app.CreateUserAsync()}', 'nobodys', s, 1, 1, case s when 'queued' then 1 end,
                    case when s in ('dispatched', 'running') then now() + interval '1 hour' end, case when is_finished(s) then now() end,
                    now() + interval '1 hour', now() + interval '1 hour'
                from (select '{status}'::ticket_status) s (s)
                """);
            return ticket;
        }

        public Task UpdateAsync(string change) => ExecuteAsync($"update tickets set {change} where ticket_id = '{id}'");

        public async ValueTask DisposeAsync()
        {
            await ExecuteAsync($"delete from tickets where ticket_id = '{id}'");
            await database.DisposeAsync();
        }

        private async Task ExecuteAsync(string sql)
        {
            await using var command = database.CreateCommand(sql);
            await command.ExecuteNonQueryAsync(Cancel);
        }
    }
}
