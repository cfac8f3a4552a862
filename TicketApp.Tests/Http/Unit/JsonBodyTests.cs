using System.Text;
using Microsoft.AspNetCore.Http;
using TicketApp.Api.Http;

namespace TicketApp.Tests.Http.Unit;

/// <summary>Bodies of the resource API.</summary>
public sealed class JsonBodyTests
{
    [Fact]
    public async Task A_byte_order_mark_is_ignored()
    {
        var body = await ReadAsync("\uFEFF{\"a\":1}");

        Assert.Null(body.Problem);
        Assert.Equal(1, body.Root.GetProperty("a").GetInt32());
    }

    [Theory]
    [InlineData("""{"user_id":"a","user_id":"b"}""", "user_id")]
    [InlineData("""{"tickets":[{"policy":{"deadline_s":1,"deadline_s":2}}]}""", "deadline_s")]
    public async Task A_name_that_is_there_twice_is_named(string json, string name)
    {
        var body = await ReadAsync(json);

        Assert.Contains($"'{name}'", body.Problem!.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_not_JSON_is_shown_where_it_stops_to_be()
    {
        var body = await ReadAsync("{\n  \"a\": nonsense }");

        Assert.EndsWith("It is not at line 2, byte 9.", body.Problem!.Detail, StringComparison.Ordinal);
    }

    private static Task<JsonBody> ReadAsync(string text)
    {
        DefaultHttpContext context = new();
        context.Request.Body = new MemoryStream(Encoding.UTF8.GetBytes(text));
        return JsonBody.ReadAsync(context.Request, TestContext.Current.CancellationToken);
    }
}
