using TicketApp.Tests.Fixtures;
using TicketApp.Worker.Models;

namespace TicketApp.Tests.Models.Unit;

/// <summary>What an endpoint may do wrong, and what becomes of the attempt.</summary>
public sealed class ChatFailureTests
{
    private const string Secret = "the-words-of-a-user";
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);
    private static readonly KeyValuePair<string, string?> _shortSilence = new("Models:chat:Timeout", "00:00:00.500");

    /// <summary>What it does, whether that is final, and a part of what is said of it.</summary>
    public static TheoryData<string, bool, string> Failures { get; } = new()
    {
        { "status 400", true, "(400)" },
        { "status 401", true, "see Models:chat:ApiKey" },
        { "status 403", true, "(403)" },
        { "status 404", true, "see Models:chat:Url" },
        { "status 422", true, "(422)" },
        { "status 307", true, "redirects are not followed" },
        { "status 202", false, "(202)" },
        { "status 408", false, "(408)" },
        { "status 429", false, "takes no more requests" },
        { "status 500", false, "(500)" },
        { "status 503", false, "takes no more requests" },
        { "break at once", false, "broke" },
        { "break half-way", false, "broke" },
        { "end half-way", false, "broke off before its end" },
        { "error half-way", false, "broke off before its end" },
        { "no events", false, "broke off before its end" },
        { "no JSON", false, "cannot be read" },
        { "other JSON", false, "cannot be read" },
        { "empty", false, "empty answer" },
        { "filter", true, "content filter" },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task An_endpoint_that_fails_is_asked_once_and_nothing_that_it_says_is_passed_on(
        string failure, bool isFinal, string message)
    {
        await using var server = await ChatServer.StartAsync(exchange => FailAsync(exchange, failure));
        using ChatHost chat = new(server.Url);

        var exception = await Assert.ThrowsAsync<ModelException>(() => RunAsync(chat));

        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
        Assert.Equal(
            (isFinal, failure is "status 429" or "status 503" ? "model_unavailable" : "model_error"),
            (exception.IsFinal, exception.ErrorType));
        Assert.Single(server.Exchanges);
        Assert.DoesNotContain(Secret, $"{exception} {chat.Log}", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("silent at once")]
    [InlineData("silent half-way")]
    public async Task An_endpoint_that_goes_silent_is_left(string failure)
    {
        await using var server = await ChatServer.StartAsync(exchange => FailAsync(exchange, failure));
        using ChatHost chat = new(server.Url, _shortSilence);

        var exception = await Assert.ThrowsAsync<ModelException>(() => RunAsync(chat));

        Assert.Equal("The endpoint sent nothing for 0.5 s", exception.Message);
        Assert.False(exception.IsFinal);
        await server.Exchanges[0].Closed.WaitAsync(_limit, TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData("answers without end", "more than 1000000 characters")]
    [InlineData("an event without end", "more than 8 MiB")]
    public async Task An_answer_that_never_ends_is_cut_off(string failure, string message)
    {
        await using var server = await ChatServer.StartAsync(exchange => FailAsync(exchange, failure));
        using ChatHost chat = new(server.Url);

        var exception = await Assert.ThrowsAsync<ModelException>(() => RunAsync(chat));

        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
        Assert.True(exception.IsFinal);
        await server.Exchanges[0].Closed.WaitAsync(_limit, TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData("Retry-After", "7", 7)]
    [InlineData("Retry-After", "4.5", 4.5)]
    [InlineData("retry-after-ms", "4500", 4.5)]
    [InlineData("Retry-After", "Fri, 31 Dec 2100 23:59:59 GMT", 3600)]
    public async Task The_pause_that_it_asks_for_is_kept(string header, string value, double seconds)
    {
        await using var server = await ChatServer.StartAsync(exchange =>
        {
            exchange.Response.Headers[header] = value;
            return FailAsync(exchange, "status 429");
        });
        using ChatHost chat = new(server.Url);

        var exception = await Assert.ThrowsAsync<ModelException>(() => RunAsync(chat));

        Assert.False(exception.IsFinal);
        Assert.True(exception.RetryAfter > TimeSpan.FromSeconds(seconds - 1), $"{exception.RetryAfter}");
        Assert.True(seconds > 100 || exception.RetryAfter <= TimeSpan.FromSeconds(seconds));
    }

    [Fact]
    public async Task A_ticket_that_has_no_time_for_the_pause_fails_at_once_and_says_why()
    {
        await using var server = await ChatServer.StartAsync(exchange =>
        {
            exchange.Response.Headers.RetryAfter = "60";
            return FailAsync(exchange, "status 429");
        });
        using ChatHost chat = new(server.Url);

        var exception = await Assert.ThrowsAsync<ModelException>(() => chat.RunAsync(
            Secret, TestContext.Current.CancellationToken, time: TimeSpan.FromMinutes(7), deadline: TimeSpan.FromSeconds(20))
            .WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));

        Assert.Single(server.Exchanges);
        Assert.True(exception.IsFinal);
        Assert.Contains("(429)", exception.Message, StringComparison.Ordinal);
    }

    /// <summary>A busy endpoint costs no attempt, and few requests: one run tries, the others wait for it.</summary>
    [Theory]
    [InlineData("status 429")]
    [InlineData("status 503")]
    public async Task Runs_wait_while_an_endpoint_takes_none_and_one_of_them_tries(string refusal)
    {
        const int Runs = 20;
        var isBusy = true;
        await using var server = await ChatServer.StartAsync(
            exchange => isBusy ? FailAsync(exchange, refusal) : exchange.AnswerAsync("yes"));
        using ChatHost chat = new(server.Url);
        var cancel = TestContext.Current.CancellationToken;
        await Assert.ThrowsAsync<ModelException>(() => RunAsync(chat));

        var runs = Enumerable.Range(0, Runs).Select(_ => chat.RunAsync(Secret, cancel, _limit)).ToArray();
        await Eventually.IsTrueAsync("A run tries", _limit, () => server.Exchanges.Count >= 2);
        isBusy = false;
        var answers = await Task.WhenAll(runs).WaitAsync(_limit, cancel);

        Assert.All(answers, answer => Assert.Equal("yes", answer.Response.Text));
        Assert.InRange(server.Exchanges.Count, Runs + 2, Runs + 3);
    }

    [Fact]
    public async Task An_endpoint_that_says_it_is_there_gets_more_time_and_not_all()
    {
        await using var server = await ChatServer.StartAsync(exchange => FailAsync(exchange, "silent but for comments"));
        using ChatHost chat = new(server.Url, _shortSilence);

        var exception = await Assert.ThrowsAsync<ModelException>(() => RunAsync(chat));

        Assert.Equal("The endpoint sent signs of life but no answer for 5 s", exception.Message);
        await server.Exchanges[0].Closed.WaitAsync(_limit, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task An_endpoint_that_is_not_there_may_come()
    {
        string gone;
        await using (var server = await ChatServer.StartAsync(exchange => exchange.FinishAsync()))
        {
            gone = server.Url;
        }

        using ChatHost chat = new(gone);
        var exception = await Assert.ThrowsAsync<ModelException>(() => RunAsync(chat));

        Assert.Equal("The endpoint cannot be reached (ConnectionError)", exception.Message);
        Assert.False(exception.IsFinal);
    }

    [Fact]
    public async Task A_run_that_is_told_to_stop_closes_its_connection()
    {
        await using var server = await ChatServer.StartAsync(exchange => FailAsync(exchange, "silent half-way"));
        using ChatHost chat = new(server.Url);
        using CancellationTokenSource stop = new();
        var run = chat.RunAsync(Secret, stop.Token);
        await Eventually.IsTrueAsync("A token came", _limit, () => chat.Progress.Count > 0);

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        await server.Exchanges[0].Closed.WaitAsync(_limit, TestContext.Current.CancellationToken);
    }

    private static Task<ModelAnswer> RunAsync(ChatHost chat)
    {
        var cancel = TestContext.Current.CancellationToken;
        return chat.RunAsync(Secret, cancel).WaitAsync(_limit, cancel);
    }

    private static async Task FailAsync(ChatExchange exchange, string failure)
    {
        if (failure.StartsWith("status ", StringComparison.Ordinal))
        {
            exchange.Response.StatusCode = int.Parse(failure.AsSpan("status ".Length), System.Globalization.CultureInfo.InvariantCulture);
            exchange.Response.Headers.Location = "/elsewhere";
            await exchange.WriteAsync($$$"""{"error":{"message":"Invalid prompt: {{{Secret}}}","code":"{{{Secret}}}"}}""");
            return;
        }

        if (failure.EndsWith("half-way", StringComparison.Ordinal))
        {
            await exchange.SayAsync(Secret);
        }

        await (failure switch
        {
            "error half-way" => exchange.EventAsync($$$"""{"error":{"message":"{{{Secret}}}","code":500}}"""),
            "no events" => exchange.WriteAsync($"<html>{Secret}</html>"),
            "no JSON" => exchange.EventAsync($"{Secret}"),
            "other JSON" => exchange.EventAsync($$"""{"choices":"{{Secret}}"}"""),
            "empty" => exchange.FinishAsync(),
            "filter" => exchange.FinishAsync("content_filter"),
            "silent at once" or "silent half-way" => exchange.StallAsync(),
            "silent but for comments" => RepeatAsync(() => exchange.WriteAsync(": wait\n\n"), exchange, TimeSpan.FromMilliseconds(100)),
            "answers without end" => RepeatAsync(() => exchange.SayAsync(new string('a', 10_000)), exchange, TimeSpan.Zero),
            "an event without end" => RepeatAsync(() => exchange.WriteAsync($"data: {new string('a', 100_000)}"), exchange, TimeSpan.Zero),
            _ => Task.CompletedTask,
        });
        if (failure.StartsWith("break", StringComparison.Ordinal))
        {
            exchange.Break();
        }
    }

    private static async Task RepeatAsync(Func<Task> send, ChatExchange exchange, TimeSpan pause)
    {
        while (!exchange.Closed.IsCompleted)
        {
            await send();
            if (pause > TimeSpan.Zero)
            {
                await Task.WhenAny(exchange.Closed, Task.Delay(pause));
            }
        }
    }
}
