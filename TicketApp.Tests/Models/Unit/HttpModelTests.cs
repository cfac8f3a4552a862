using TicketApp.Messaging;
using TicketApp.Tests.Fixtures;
using TicketApp.Worker.Models;

namespace TicketApp.Tests.Models.Unit;

/// <summary>Models of the kind <c>http</c>: what is sent, and what is taken of the answer.</summary>
public sealed class HttpModelTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Settings, input, whether it is JSON, and the request.</summary>
    public static TheoryData<string[], string, bool, string> Requests => new()
    {
        { [], "a \"text\"", false, """
            "a \u0022text\u0022"
            """ },
        { [], """{"a":1.00,"a":[12345678901234567890123]}""", true, """{"a":1.00,"a":[12345678901234567890123]}""" },
        { ["InputPointer=/text"], "hello", false, """{"text":"hello"}""" },
        { ["InputPointer=/a/b~1c"], "[1.0]", true, """{"a":{"b/c":[1.0]}}""" },
        { ["InputPointer=/in/0/x", """Body={"in":[{"x":null,"y":2}],"z":true}"""], "1e5", true, """{"in":[{"x":1e5,"y":2}],"z":true}""" },
        { ["InputPointer=/-", "Body=[0]"], "1", true, "[0,1]" },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task The_input_is_sent_where_the_settings_say(string[] settings, string input, bool isJson, string request)
    {
        await using var server = await ModelServer.StartAsync(exchange => exchange.AnswerAsync("1"));
        using var host = Host($"{server.Url}/run?version=2", settings);

        await host.RunAsync(new(input, isJson), Cancel);

        var asked = Assert.Single(server.Exchanges);
        Assert.Equal(request, asked.Body);
        Assert.Equal(("POST", "/run", "?version=2"), (asked.Method, asked.Path, asked.Query));
        Assert.Equal("application/json", asked.Headers["Content-Type"]);
    }

    /// <summary>Type and body of the answer, where the response is in it, and the response.</summary>
    public static TheoryData<string, string, string?, string, bool> Answers => new()
    {
        { "application/json", """{"a": 1.00}""", null, """{"a":1.00}""", true },
        { "application/problem+json", "[1]", null, "[1]", true },
        { "application/json", "\"text\"", null, "text", false },
        { "text/plain; charset=utf-8", "{}", null, "{}", false },
        { "text/plain", """{"out":[{"text":"hello"}]}""", "/out/0/text", "hello", false },
        { "application/json", """{"":{"a~b":false}}""", "//a~0b", "false", true },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task The_response_is_taken_where_the_settings_say(string type, string body, string? place, string response, bool isJson)
    {
        await using var server = await ModelServer.StartAsync(exchange => exchange.AnswerAsync(body, contentType: type));
        using var host = Host(server.Url, place is null ? [] : [$"OutputPointer={place}"]);

        Assert.Equal(new Payload(response, isJson), (await host.RunAsync("x", Cancel)).Response);
    }

    [Theory]
    [InlineData("application/json", "null", "")]
    [InlineData("application/json", """{"a":null}""", "/a")]
    [InlineData("application/json", """{"a":[1]}""", "/a/1")]
    [InlineData("application/json", """{"a":[1]}""", "/a/00")]
    [InlineData("application/json", """["\ud800"]""", "/0")]
    [InlineData("text/plain", "hello", "/a")]
    public async Task An_answer_without_a_response_fails_the_attempt(string type, string body, string place)
    {
        await using var server = await ModelServer.StartAsync(exchange => exchange.AnswerAsync(body, contentType: type));
        using var host = Host(server.Url, $"OutputPointer={place}");

        var exception = await Assert.ThrowsAsync<ModelException>(() => host.RunAsync("x", Cancel));

        Assert.StartsWith("The endpoint's answer ", exception.Message, StringComparison.Ordinal);
        Assert.False(exception.IsFinal);
    }

    [Fact]
    public async Task An_answer_that_is_only_promised_fails_the_attempt()
    {
        await using var server = await ModelServer.StartAsync(exchange => exchange.AnswerAsync("{}", 202));
        using var host = Host(server.Url);

        var exception = await Assert.ThrowsAsync<ModelException>(() => host.RunAsync("x", Cancel));

        Assert.Contains("with status 202", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_redirect_is_followed_where_the_settings_say_so()
    {
        await using var server = await ModelServer.StartAsync(exchange =>
        {
            exchange.Response.Headers.Location = "/elsewhere";
            return exchange.Path == "/elsewhere" ? exchange.AnswerAsync(exchange.Body) : exchange.AnswerAsync("", 307);
        });
        using var host = Host(server.Url, "FollowRedirects=true");

        Assert.Equal("hello", (await host.RunAsync("hello", Cancel)).Response.Text);
    }

    private static ModelHost Host(string url, params IEnumerable<string> settings) => new(
    [
        new("Models:test:Kind", "http"), new("Models:test:Url", url),
        .. settings.Select(setting => setting.Split('=', 2))
            .Select(setting => new KeyValuePair<string, string?>($"Models:test:{setting[0]}", setting[1])),
    ]);
}
