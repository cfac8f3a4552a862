using System.Net;
using Npgsql;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Facades;

/// <summary>Predictions as they grow.</summary>
[Collection(AppCollection.Name)]
public sealed class ReplicateStreamTests(AppFixture app) : ReplicateCaller(app)
{
    [Fact]
    public async Task A_listener_continues_after_what_it_has_and_not_after_something_else()
    {
        ScriptedModel model = new();
        await using var worker = await TestWorker.StartAsync(App, model);
        var created = await CreateAsync("""{"input":{"output":["one, ","two"]}}""", model);
        var stream = (string)created.Json["urls"]!["stream"]!;

        var whole = await Api.GetAsync(stream);
        var lines = whole.Body.Split('\n').Where(line => line.StartsWith("id: ", StringComparison.Ordinal));
        var ids = lines.Select(line => line["id: ".Length..]).ToArray();
        var rest = await Api.GetAsync(stream, ("Last-Event-ID", ids[0]));
        var nothing = await Api.GetAsync(stream, ("Last-Event-ID", ids[1]));
        var other = await Api.GetAsync(stream, ("Last-Event-ID", ids[0].Replace(ids[0][^1], ids[0][^1] == '0' ? '1' : '0')));

        Assert.Equal("text/event-stream", whole.ContentType);
        Assert.Equal("done", ids[2]);
        Assert.EndsWith(
            $"event: output\nid: {ids[1]}\ndata: two\n\nevent: done\nid: done\ndata: {{}}\n\n", whole.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("data: one", rest.Body, StringComparison.Ordinal);
        Assert.Contains("data: two", rest.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("event: output", nothing.Body, StringComparison.Ordinal);
        Assert.Contains("event: error", other.Body, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NoContent, (await Api.GetAsync(stream, ("Last-Event-ID", "done"))).Status);
    }

    /// <summary>A replica that is held up stores a report later than another replica the next one.</summary>
    [Fact]
    public async Task A_report_that_comes_before_another_is_streamed_in_its_place()
    {
        ScriptedModel model = new();
        await using var worker = await TestWorker.StartAsync(App, model);
        var created = await CreateAsync("""{"input":{"pieces":["one "],"gate":"end","output":"one two three"}}""", model);
        await using var database = NpgsqlDataSource.Create(App.Database);
        await using var overtake = database.CreateCommand(
            $"""
            insert into ticket_progress (ticket_id, epoch, seq, text)
            select ticket_id, epoch, 3, 'three' from ticket_progress where ticket_id = '{created.Id}' and seq = 1
            """);
        await Eventually.IsTrueAsync(
            "The first piece is reported", TimeSpan.FromSeconds(30), async () => await overtake.ExecuteNonQueryAsync(Cancel) == 1);

        using var stream = await Http.GetAsync(
            (string)created.Json["urls"]!["stream"]!, HttpCompletionOption.ResponseHeadersRead, Cancel);
        using StreamReader lines = new(await stream.Content.ReadAsStreamAsync(Cancel));
        while (await lines.ReadLineAsync(Cancel) is { } line && line != "data: one ")
        {
        }

        await CreateAsync("""{"input":{"open":"end"}}""", model);
        var rest = await lines.ReadToEndAsync(Cancel);

        Assert.Contains("data: two three\n", rest, StringComparison.Ordinal);
        Assert.EndsWith("event: done\nid: done\ndata: {}\n\n", rest, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_that_cannot_go_to_the_end_breaks_off()
    {
        ScriptedModel model = new();
        await using var worker = await TestWorker.StartAsync(App, model);
        var created = await CreateAsync("""{"input":{"hold":true}}""", model);
        using var stream = await Http.GetAsync(
            (string)created.Json["urls"]!["stream"]!, HttpCompletionOption.ResponseHeadersRead, Cancel);
        await using (var database = NpgsqlDataSource.Create(App.Database))
        {
            await using var delete = database.CreateCommand($"delete from tickets where ticket_id = '{created.Id}'");
            Assert.Equal(1, await delete.ExecuteNonQueryAsync(Cancel));
        }

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => stream.Content.ReadAsStringAsync(Cancel));
    }
}
