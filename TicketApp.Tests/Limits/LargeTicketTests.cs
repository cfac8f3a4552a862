using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Auth;
using TicketApp.Api.Http;
using TicketApp.Api.Operations;
using TicketApp.Api.Storage;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Limits;

/// <summary>Requests and answers of many bytes, of an Api that has the memory of a small pod.</summary>
[Collection(AppCollection.Name)]
public sealed class LargeTicketTests(AppFixture app)
{
    private const int Callers = 16;
    private const int BatchSize = 400;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    // DEL is one byte in and six out.
    [Theory]
    [InlineData('+')]
    [InlineData('\x7f')]
    public async Task Of_the_largest_batches_at_once_each_is_stored_whole_or_refused_before_anything_is(char character)
    {
        var user = await app.CreateUserAsync();
        var input = new string(character, 10_000);
        var ticket = $$"""{"user_id":"{{user}}","input":"{{input}}"}""";
        var body = $$"""{"tickets":[{{string.Join(',', Enumerable.Repeat(ticket, BatchSize))}}]}""";
        var stored = 0;
        foreach (var answer in await Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => PostAsync(body))))
        {
            if (AssertServedOrRefused(answer))
            {
                stored += BatchSize;
                Assert.Equal(BatchSize, answer.Results.Count(item => item!["ticket"]!["input"]!.GetValue<string>() == input));
            }
        }

        Assert.True(stored > 0);
        await using var database = NpgsqlDataSource.Create(app.Database);
        await using var count = database.CreateCommand($"select count(*) from tickets where user_id = '{user}'");
        Assert.Equal((long)stored, await count.ExecuteScalarAsync(Cancel));
        // None of them stays: it would be run and reported while other tests count.
        await using var forget = database.CreateCommand(
            $"""
            update tickets set status = 'canceled', time_finished = now(), lease_expires = null
            where user_id = '{user}' and time_finished is null
            """);
        await forget.ExecuteNonQueryAsync(Cancel);
    }

    [Fact]
    public async Task Large_tickets_are_listed_in_short_pages_and_none_is_left_out()
    {
        await using var database = NpgsqlDataSource.Create(app.Database);
        var (user, tickets) = await LargeTickets.StoreAsync(database, 12);
        ResourceClient api = new(app.Api);
        (string Path, IEnumerable<Guid> Order)[] lists =
        [
            ($"/v1/tickets?user_id={user}&cursor=", tickets.Reverse()),
            ($"/v1/tickets/changes?user_id={user}&after=", tickets),
        ];
        foreach (var (path, order) in lists)
        {
            List<Guid> seen = [];
            var cursor = "";
            while (seen.Count < tickets.Count)
            {
                var page = await api.GetAsync(path + cursor);
                Assert.InRange(page.Results.Count, 1, 3);
                seen.AddRange(page.Results.Select(ticket => ticket!["id"]!.GetValue<Guid>()));
                Assert.All(page.Results, ticket => Assert.Equal(LargeTickets.Characters, ticket!["response"]!.GetValue<string>().Length));
                cursor = page.Json["next"]?.GetValue<string>() ?? "";
            }

            Assert.Equal(order, seen);
        }
    }

    [Fact]
    public async Task Dead_tickets_that_are_large_are_listed_in_short_pages_too()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        var (_, tickets) = await LargeTickets.StoreAsync(database.Source, 4, "failed");
        DeadTicketStore store = new(database.Source);
        List<Guid> seen = [];
        for (var more = true; more;)
        {
            Guid? below = seen.Count == 0 ? null : seen[^1];
            (var rows, more) = await store.ListAsync(new() { Limit = 5, Below = below }, LargeTickets.Taken(), Cancel);
            Assert.InRange(rows.Count, 1, 3);
            seen.AddRange(rows.Select(row => row.TicketId));
        }

        Assert.Equal(tickets.Reverse(), seen);
    }

    [Fact]
    public async Task A_hundred_readers_of_large_tickets_at_once_are_each_served_or_told_to_come_back()
    {
        await using var database = NpgsqlDataSource.Create(app.Database);
        var (user, tickets) = await LargeTickets.StoreAsync(database, 100);
        ResourceClient api = new(app.Api);
        Func<Guid, string>[] paths =
        [
            _ => $"/v1/tickets?user_id={user}",
            id => $"/v1/tickets/{id}",
            id => $"/ticket?ticket_id={id}",
            id => $"/v1/tickets/{id}/events",
        ];
        foreach (var path in paths)
        {
            var answers = await Task.WhenAll(tickets.Select(path).Select(async url =>
                AssertServedOrRefused(await api.GetAsync(url), isResource: url.StartsWith("/v1", StringComparison.Ordinal))));
            Assert.Contains(true, answers);
        }

        var listened = await api.GetAsync($"/v1/tickets/{tickets[0]}/events");
        var response = new string(LargeTickets.Character[0], LargeTickets.Characters);
        Assert.Contains($"\"response\":\"{response}\"", listened.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answers_have_their_length_while_they_are_small_and_come_in_parts_when_they_are_not()
    {
        await using var database = NpgsqlDataSource.Create(app.Database);
        var (user, _) = await LargeTickets.StoreAsync(database, 1);
        var other = await app.CreateUserAsync();
        using var small = await app.Api.GetAsync($"/v1/tickets?user_id={other}", HttpCompletionOption.ResponseHeadersRead, Cancel);
        using var large = await app.Api.GetAsync($"/v1/tickets?user_id={user}", HttpCompletionOption.ResponseHeadersRead, Cancel);

        Assert.NotNull(small.Content.Headers.ContentLength);
        Assert.Null(large.Content.Headers.ContentLength);
    }

    [Fact]
    public void Only_what_json_itself_wants_is_escaped()
    {
        const string text = "1 + 1 < 3 & \"é\" 'ж' \\ 漢\n";

        var answer = Encoding.UTF8.GetString(ApiJson.Serialize(new Message(text), ApiJson.Default.Message));

        Assert.Equal("""{"message":"1 + 1 < 3 & \"é\" 'ж' \\ 漢\n"}""", answer);
        Assert.Equal(text, JsonNode.Parse(answer)!["message"]!.GetValue<string>());
    }

    [Fact]
    public void What_is_in_flight_is_bounded_but_one_request_alone_is_served_whatever_its_size()
    {
        ByteLimit limit = new(Options.Create(new LimitOptions { MaxBytesInFlight = 1000 }));
        using (ByteLimit.TakenBytes alone = new(limit))
        {
            alone.Add(900);
            alone.Add(5000);
            using ByteLimit.TakenBytes other = new(limit);
            Assert.Throws<OverloadedException>(() => other.Add(1));
        }

        using ByteLimit.TakenBytes first = new(limit);
        using ByteLimit.TakenBytes second = new(limit);
        first.Add(600);
        second.Add(400);
        Assert.Throws<OverloadedException>(() => second.Add(1));
        first.Dispose();
        second.Add(600);
    }

    private static bool AssertServedOrRefused(ResourceAnswer answer, bool isResource = true)
    {
        if (answer.Status == HttpStatusCode.OK)
        {
            return true;
        }

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.Status);
        Assert.NotNull(answer.Headers.RetryAfter);
        if (isResource)
        {
            // On a machine with little time to spare the database may be the one that is too slow.
            var name = answer.Json["type"]!.GetValue<string>().Split('#')[^1];
            Assert.Contains(name, (string[])["overloaded", "unavailable"]);
            answer.Problem(HttpStatusCode.ServiceUnavailable, name);
        }

        return false;
    }

    private async Task<ResourceAnswer> PostAsync(string body) => await new ResourceClient(app.Api).PostAsync("/v1/tickets/batch", body);
}
