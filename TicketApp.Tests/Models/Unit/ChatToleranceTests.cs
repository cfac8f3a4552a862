using TicketApp.Tests.Fixtures;
using TicketApp.Worker.Models;

namespace TicketApp.Tests.Models.Unit;

/// <summary>Answers as servers really send them: what cannot matter does not cost the answer, which was paid for.</summary>
public sealed class ChatToleranceTests
{
    private const string Hello = """{"choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}""";
    private const string End = """{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""";
    private const string Done = "[DONE]";
    private const string Emoji = "\ud83d\ude0a!";

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>The events, and the answer that they are.</summary>
    public static TheoryData<string, string[], string> Answers => new()
    {
        {
            "an end that is empty until the end",
            [
                """{"choices":[{"delta":{"content":"Hel"},"finish_reason":""}]}""",
                """{"choices":[{"delta":{"content":"lo"},"finish_reason":""}]}""",
                End,
                Done,
            ],
            "Hello"
        },
        { "choices of null after the end", [Hello, End, """{"choices":null,"usage":{"prompt_tokens":3}}""", Done], "Hello" },
        { "no choices at all", ["{}", Hello, "{}", End, Done], "Hello" },
        { "an event of null", [Hello, "null", End, "null", Done], "Hello" },
        { "events that are not JSON after the end", [Hello, End, "bye", Done], "Hello" },
        { "an error after the end", [Hello, End, """{"error":{"message":"late"}}"""], "Hello" },
        { "done without an end", [Hello, Done], "Hello" },
        { "an end without done", [Hello, End], "Hello" },
        { "more text after the end", [Hello, End, Hello, Done], "Hello" },
        {
            "halves of an emoji",
            ["""{"choices":[{"delta":{"content":"\ud83d"}}]}""", """{"choices":[{"delta":{"content":"\ude0a!"}}]}""", End, Done],
            Emoji
        },
        {
            "half of an emoji that stays alone",
            ["""{"choices":[{"delta":{"content":"a\ud83d"}}]}""", """{"choices":[{"delta":{"content":"b"}}]}""", End, Done],
            "a\ufffdb"
        },
        { "content in parts", ["""{"choices":[{"delta":{"content":[{"type":"text","text":"Hello"}]}}]}""", End, Done], "Hello" },
        { "usage of other types", [Hello, End, """{"usage":{"prompt_tokens":"many"}}""", Done], "Hello" },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task An_answer_that_is_whole_is_taken_at_the_first_request(string kind, string[] events, string answer)
    {
        await using var server = await ChatServer.StartAsync(async exchange =>
        {
            foreach (var data in events)
            {
                await exchange.EventAsync(data);
            }
        });
        using ChatHost chat = new(server.Url);

        var given = await chat.RunAsync(kind, Cancel).WaitAsync(_limit, Cancel);

        Assert.Equal(answer, given.Response.Text);
        Assert.Equal(answer, string.Concat(chat.Progress));
        Assert.Single(server.Exchanges);
    }

    [Fact]
    public async Task The_last_event_may_lack_its_empty_line()
    {
        await using var server = await ChatServer.StartAsync(async exchange =>
        {
            await exchange.EventAsync(Hello);
            await exchange.WriteAsync($"data: {Done}");
        });
        using ChatHost chat = new(server.Url);

        Assert.Equal("Hello", (await chat.RunAsync("?", Cancel).WaitAsync(_limit, Cancel)).Response.Text);
    }

    [Fact]
    public async Task An_answer_that_breaks_off_with_an_error_is_none_in_whatever_form_that_is_told()
    {
        await using var server = await ChatServer.StartAsync(async exchange =>
        {
            await exchange.EventAsync(Hello);
            await exchange.EventAsync("""{"error":"Request failed during generation","error_type":"generation"}""");
            await exchange.EventAsync(Done);
        });
        using ChatHost chat = new(server.Url);

        var exception = await Assert.ThrowsAsync<ModelException>(() => chat.RunAsync("?", Cancel).WaitAsync(_limit, Cancel));

        Assert.Contains("broke off", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("text/event-stream")]
    public async Task One_object_in_place_of_a_stream_is_taken(string contentType)
    {
        await using var server = await ChatServer.StartAsync(exchange =>
        {
            exchange.Response.ContentType = contentType;
            return exchange.WriteAsync(
                """
                {
                  "choices": [{"message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],

                  "usage": {"prompt_tokens": 3, "completion_tokens": 4}
                }
                """);
        });
        using ChatHost chat = new(server.Url);

        var given = await chat.RunAsync("?", Cancel).WaitAsync(_limit, Cancel);

        Assert.Equal("Hello", given.Response.Text);
        Assert.Equal(4, (long)given.Details!["output_tokens"]!);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_connection_that_breaks_or_falls_silent_after_the_end_changes_nothing(bool isBroken)
    {
        var hasAnswer = () => false;
        await using var server = await ChatServer.StartAsync(async exchange =>
        {
            await exchange.EventAsync(Hello);
            await exchange.EventAsync(End);
            if (isBroken)
            {
                // A reset takes with it what was not read yet.
                await Eventually.IsTrueAsync("The answer is read", _limit, () => hasAnswer());
                exchange.Break();
            }

            await exchange.StallAsync();
        });
        using ChatHost chat = new(server.Url);
        hasAnswer = () => chat.Progress.Count > 0;

        var given = await chat.RunAsync("?", Cancel).WaitAsync(TimeSpan.FromSeconds(10), Cancel);

        Assert.Equal("Hello", given.Response.Text);
    }

    [Fact]
    public async Task Reasoning_that_used_up_the_limit_is_final_and_says_so()
    {
        await using var server = await ChatServer.StartAsync(async exchange =>
        {
            await exchange.EventAsync("""{"choices":[{"delta":{"reasoning_content":"hmm "},"finish_reason":null}]}""");
            await exchange.FinishAsync("length");
        });
        using ChatHost chat = new(server.Url);

        var exception = await Assert.ThrowsAsync<ModelException>(() => chat.RunAsync("?", Cancel).WaitAsync(_limit, Cancel));

        Assert.True(exception.IsFinal);
        Assert.Contains("see MaxOutputTokens", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_limit_holds_where_the_endpoint_does_not_know_it()
    {
        await using var server = await ChatServer.StartAsync(exchange => exchange.AnswerAsync(Enumerable.Repeat("word ", int.MaxValue)));
        using ChatHost chat = new(server.Url, new KeyValuePair<string, string?>("Models:chat:MaxOutputTokens", "20"));

        var given = await chat.RunAsync("?", Cancel).WaitAsync(_limit, Cancel);

        Assert.InRange(given.Response.Text.Split(' ').Length, 20, 30);
        Assert.Equal("length", (string?)given.Details!["finish_reason"]);
        await server.Exchanges[0].Closed.WaitAsync(_limit, Cancel);
    }

    [Fact]
    public async Task An_endpoint_that_refuses_the_name_of_the_limit_is_asked_by_the_older_one_from_then_on()
    {
        await using var server = await ChatServer.StartAsync(exchange =>
        {
            exchange.Response.StatusCode = exchange.Request.ContainsKey("max_tokens") ? 200 : 422;
            return exchange.Response.StatusCode == 200
                ? exchange.AnswerAsync("yes")
                : exchange.WriteAsync("""{"detail":[{"loc":["body","max_completion_tokens"],"msg":"Extra inputs are not permitted"}]}""");
        });
        using ChatHost chat = new(server.Url, new KeyValuePair<string, string?>("Models:chat:MaxOutputTokens", "20"));

        Assert.Equal("yes", (await chat.RunAsync("?", Cancel).WaitAsync(_limit, Cancel)).Response.Text);
        Assert.Equal("yes", (await chat.RunAsync("?", Cancel).WaitAsync(_limit, Cancel)).Response.Text);
        Assert.Equal(3, server.Exchanges.Count);
    }

    [Fact]
    public async Task No_connection_is_used_twice()
    {
        await using var server = await ChatServer.StartAsync(exchange => exchange.AnswerAsync("yes"));
        using ChatHost chat = new(server.Url);

        await chat.RunAsync("?", Cancel).WaitAsync(_limit, Cancel);
        await chat.RunAsync("?", Cancel).WaitAsync(_limit, Cancel);

        Assert.Equal(2, server.Exchanges.Select(exchange => exchange.ConnectionId).Distinct().Count());
    }
}
