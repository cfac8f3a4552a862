using System.Net;
using System.Net.Sockets;
using TicketApp.Messaging;
using TicketApp.Tests.Fixtures;
using TicketApp.Worker.Models;

namespace TicketApp.Tests.Models.Unit;

/// <summary>What all kinds of models at endpoints have in common: their settings, and what becomes of an endpoint's faults.</summary>
public sealed class ModelKindTests
{
    private const string Fine = "well";

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    private static readonly KeyValuePair<string, string?> _shortSilence = new("Models:test:Timeout", "00:00:00.500");

    private static readonly (string Fault, bool IsFinal, string Message)[] _faults =
    [
        ("status 400", true, "(400)"),
        ("status 401", true, "see Models:test:ApiKey"),
        ("status 404", true, "see Models:test:Url"),
        ("status 307", true, "redirects are not followed"),
        ("status 429", false, "takes no more requests"),
        ("status 500", false, "(500)"),
        ("status 503", false, "takes no more requests"),
        ("close at once", false, "broke"),
        ("close half-way", false, "broke"),
        ("send half", false, "broke"),
        ("silent at once", false, "sent nothing for 0.5 s"),
        ("silent half-way", false, "sent nothing for 0.5 s"),
        ("no JSON", false, "The endpoint's answer"),
        ("NaN", false, "The endpoint's answer"),
        ("other JSON", false, "The endpoint's answer"),
        ("too large", true, "more than"),
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Kinds => [.. KindOfModel.All];

    public static TheoryData<string, string, bool, string> Faults
    {
        get
        {
            TheoryData<string, string, bool, string> data = [];
            foreach (var kind in KindOfModel.All)
            {
                foreach (var (fault, isFinal, message) in _faults)
                {
                    // Any JSON is an answer there.
                    if ((kind, fault) is not ("http", "other JSON"))
                    {
                        data.Add(kind, fault, isFinal, message);
                    }
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_server_that_behaves_answers(string kind)
    {
        await using var server = await ModelServer.StartAsync(exchange => KindOfModel.AnswerAsync(kind, exchange));
        using ModelHost host = new(
        [
            .. KindOfModel.Settings(kind, server.Url),
            new("Models:test:ApiKey", "secret-key"), new("Models:test:Headers:X-Team", "blue"), new("Models:test:Slots", "3"),
        ]);
        await host.Model.WarmUpAsync(Cancel);

        var answer = await host.RunAsync("\"\u00fc\ud83d\ude0a\"", Cancel).WaitAsync(_limit, Cancel);

        Assert.Equal(new Payload("\"\u00fc\ud83d\ude0a\"", IsJson: false), answer.Response);
        Assert.All(server.Exchanges, exchange =>
            Assert.Equal(("Bearer secret-key", "blue"), (exchange.Headers["Authorization"], exchange.Headers["X-Team"])));
        Assert.Single(server.Asked);
        Assert.Equal(("test", 3), (host.Model.Name, host.WorkerOptions.Slots["test"]));
        Assert.DoesNotContain("secret-key", host.Log, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_fault_fails_the_attempt_and_nothing_that_the_server_says_is_passed_on(
        string kind, string fault, bool isFinal, string message)
    {
        await using var server = await ModelServer.StartAsync(exchange =>
            exchange.IsAsked ? EndpointFault.SendAsync(exchange, fault) : KindOfModel.AnswerAsync(kind, exchange));
        using ModelHost host = new(
        [
            .. KindOfModel.Settings(kind, server.Url), new("Models:test:MaxAnswerBytes", "100000"),
            .. fault.StartsWith("silent", StringComparison.Ordinal) ? [_shortSilence] : (KeyValuePair<string, string?>[])[],
        ]);
        await host.Model.WarmUpAsync(Cancel);

        var exception = await Assert.ThrowsAsync<ModelException>(
            () => host.RunAsync(EndpointFault.Secret, Cancel).WaitAsync(_limit, Cancel));

        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
        Assert.Equal(isFinal, exception.IsFinal);
        Assert.Equal(fault is "status 429" or "status 503", exception.IsRefused);
        Assert.DoesNotContain(EndpointFault.Secret, $"{exception} {host.Log}", StringComparison.Ordinal);
        Assert.Single(server.Asked);
        if (fault.StartsWith("silent", StringComparison.Ordinal) || fault == "too large")
        {
            await server.Asked[0].Closed.WaitAsync(_limit, Cancel);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_server_that_is_away_costs_no_attempt(string kind)
    {
        var server = await ModelServer.StartAsync(exchange => KindOfModel.AnswerAsync(kind, exchange));
        using ModelHost host = new(KindOfModel.Settings(kind, server.Url));
        await host.Model.WarmUpAsync(Cancel);
        await server.DisposeAsync();

        var exception = await Assert.ThrowsAsync<ModelException>(() => host.RunAsync("hello", Cancel).WaitAsync(_limit, Cancel));

        Assert.Equal((true, false, "model_unavailable"), (exception.IsRefused, exception.IsFinal, exception.ErrorType));
        Assert.Equal("The endpoint cannot be reached (ConnectionError)", exception.Message);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_busy_server_is_asked_again_in_the_same_attempt(string kind)
    {
        var isBusy = true;
        await using var server = await ModelServer.StartAsync(exchange =>
        {
            if (!exchange.IsAsked || !isBusy)
            {
                return KindOfModel.AnswerAsync(kind, exchange);
            }

            isBusy = false;
            exchange.Response.Headers.RetryAfter = "0.2";
            return exchange.AnswerAsync("{}", 429);
        });
        using ModelHost host = new(KindOfModel.Settings(kind, server.Url));
        await host.Model.WarmUpAsync(Cancel);

        var answer = await host.RunAsync("hello", Cancel, _limit).WaitAsync(_limit, Cancel);

        Assert.Equal(("hello", 2), (answer.Response.Text, server.Asked.Count));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_pause_beyond_the_deadline_ends_the_ticket_at_once(string kind)
    {
        await using var server = await ModelServer.StartAsync(exchange =>
        {
            if (!exchange.IsAsked)
            {
                return KindOfModel.AnswerAsync(kind, exchange);
            }

            exchange.Response.Headers["retry-after-ms"] = "60000";
            return exchange.AnswerAsync("{}", 503);
        });
        using ModelHost host = new(KindOfModel.Settings(kind, server.Url));
        await host.Model.WarmUpAsync(Cancel);

        var exception = await Assert.ThrowsAsync<ModelException>(() =>
            host.RunAsync("hello", Cancel, _limit, deadline: TimeSpan.FromSeconds(20)).WaitAsync(TimeSpan.FromSeconds(10), Cancel));

        Assert.True(exception.IsFinal);
        Assert.Contains("(503)", exception.Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, string> Phases => new(KindOfModel.All.SelectMany(
        _ => (string[])["before the answer", "within the answer", "at the gate"], (kind, phase) => (kind, phase)));

    [Theory]
    [MemberData(nameof(Phases))]
    public async Task A_run_that_is_told_to_stop_closes_its_connection(string kind, string phase)
    {
        await using var server = await ModelServer.StartAsync(exchange => (exchange.IsAsked, phase) switch
        {
            (false, _) => KindOfModel.AnswerAsync(kind, exchange),
            (_, "at the gate") => exchange.AnswerAsync("{}", 503),
            (_, "before the answer") => exchange.StallAsync(),
            _ => SayAndStallAsync(exchange),
        });
        using ModelHost host = new(KindOfModel.Settings(kind, server.Url));
        await host.Model.WarmUpAsync(Cancel);
        using CancellationTokenSource stop = new();
        var run = host.RunAsync("hello", stop.Token, _limit);
        await Eventually.IsTrueAsync("The server is asked", _limit, () => server.Asked.Count > 0);

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.WaitAsync(TimeSpan.FromSeconds(10), Cancel));
        if (phase != "at the gate")
        {
            await server.Asked[0].Closed.WaitAsync(_limit, Cancel);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task What_is_told_to_stop_while_it_connects_ends_at_once(string kind)
    {
        // Takes connections, and says nothing when TLS is to begin.
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        using ModelHost host = new(KindOfModel.Settings(kind, $"https://{listener.LocalEndpoint}"));
        using CancellationTokenSource stop = new();
        // One of tensors has to know them first, and so connects to get ready.
        var run = kind == "open-inference" ? host.Model.WarmUpAsync(stop.Token) : host.RunAsync("hello", stop.Token, _limit);
        using var connection = await listener.AcceptTcpClientAsync(Cancel);

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.WaitAsync(TimeSpan.FromSeconds(10), Cancel));
    }

    [Theory]
    [InlineData("open-inference")]
    [InlineData("replicate-http")]
    public async Task A_warm_up_that_is_told_to_stop_closes_its_connection(string kind)
    {
        await using var server = await ModelServer.StartAsync(exchange => exchange.StallAsync());
        using ModelHost host = new(KindOfModel.Settings(kind, server.Url));
        using CancellationTokenSource stop = new();
        var warmUp = host.Model.WarmUpAsync(stop.Token);
        await Eventually.IsTrueAsync("The server is asked", _limit, () => server.Exchanges.Count > 0);

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => warmUp.WaitAsync(TimeSpan.FromSeconds(10), Cancel));
        await server.Exchanges[0].Closed.WaitAsync(_limit, Cancel);
    }

    /// <summary>The settings, and a part of what is said of them.</summary>
    public static TheoryData<string, string> Defects => new()
    {
        { "Kind=banana", "Models:test:Kind is 'banana'; this worker has chat, http, open-inference, replicate-http." },
        { "Url=http://a", "Models:test:Kind is missing; this worker has chat, http," },
        { "Kind=http", "Models:test:Url must be an address" },
        { "Kind=http|Url=ftp://secret", "Models:test:Url must be an address" },
        { "Kind=http|Url=http://u:secret@a", "Models:test:Url must have no user" },
        { "Kind=open-inference|Url=http://a?key=secret", "no query" },
        { "Kind=http|Url=http://a|Slots=0", "Models:test.Slots" },
        { "Kind=http|Url=http://a|Slots=many", "Models:test:Slots" },
        { "Kind=http|Url=http://a|Timeout=00:00:00", "Models:test.Timeout" },
        { "Kind=http|Url=http://a|TimeOut2=1", "Models:test has settings that its kind does not have: 'TimeOut2'" },
        { "Kind=http|Url=http://a|Headers:Content-Type=x", "Models:test:Headers:Content-Type" },
        { "Kind=http|Url=http://a|ApiKey=secret\nX: y", "Models:test:ApiKey" },
        { "Kind=http|Url=http://a|InputPointer=x", "Models:test:InputPointer" },
        { "Kind=http|Url=http://a|OutputPointer=/~x", "Models:test:OutputPointer" },
        { "Kind=http|Url=http://a|Body={}", "Models:test:Body" },
        { "Kind=http|Url=http://a|InputPointer=/0|Body={\"secret", "Models:test:Body" },
        { "Kind=http|Url=http://a|InputPointer=/0/x|Body=[1]", "Models:test:Body" },
        { "Kind=chat|Url=http://a", "Models:test:Model" },
        { "Kind=open-inference|Url=http://a|LargestBatch=0", "Models:test.LargestBatch" },
        {
            "Kind=http|Url=http://a|InputSchema={\"items\":{\"type\":\"text\"}}",
            "Models:test:InputSchema cannot be used: type at /items must be one or several of array"
        },
        { "Kind=http|Url=http://a|InputSchema={\"type\":", "Models:test:InputSchema cannot be used: it is not JSON" },
        { "Kind=http|Url=http://a|InputSchema=/no/such/file.json", "Models:test:InputSchema is neither a JSON object nor the path of" },
        { "Kind=http|Url=http://a|InputSchema=/", "Models:test:InputSchema is neither a JSON object nor the path of" },
        { "Kind=http|Url=http://a|InputSchema:type=object", "Models:test:InputSchema must be one text" },
    };

    [Theory]
    [MemberData(nameof(Defects))]
    public void A_setting_that_cannot_be_right_is_named_and_no_key_is_told(string settings, string message)
    {
        var given = settings.Split('|').Select(setting => setting.Split('=', 2))
            .Select(setting => new KeyValuePair<string, string?>($"Models:test:{setting[0]}", setting[1]));

        var exception = Assert.ThrowsAny<InvalidOperationException>(() => new ModelHost(given));

        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_schema_of_the_input_is_a_text_or_a_file(string kind)
    {
        const string Schema = """{"type":"object","properties":{"n":{"type":"integer"}}}""";
        var file = Path.GetTempFileName();
        File.WriteAllText(file, $" {Schema}\n");

        // Not set, or "true": none.
        Assert.Equal([null, null, Schema, Schema], new[] { null, "true", Schema, file }.Select(text =>
        {
            using ModelHost host = new(
                [.. KindOfModel.Settings(kind, "http://localhost"), new KeyValuePair<string, string?>("Models:test:InputSchema", text)]);
            return host.Model.Input.Schema?.Json;
        }));
        File.Delete(file);
    }

    [Theory]
    [InlineData("Models:a_b:Kind", "Models:a_b")]
    [InlineData("Models:sentiment:Kind", "Models:sentiment")]
    public void A_name_that_a_model_cannot_have_is_refused(string setting, string message)
    {
        var exception = Assert.ThrowsAny<InvalidOperationException>(
            () => new ModelHost(new KeyValuePair<string, string?>(setting, "http")));

        Assert.StartsWith(message, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Several_models_are_each_at_their_own_endpoint()
    {
        await using var one = await ModelServer.StartAsync(exchange => exchange.AnswerAsync("one", contentType: "text/plain"));
        await using var two = await ModelServer.StartAsync(exchange => exchange.AnswerAsync("two", contentType: "text/plain"));
        using ModelHost host = new(
            new KeyValuePair<string, string?>("MODELS:ONE:KIND", "HTTP"), new("MODELS:ONE:URL", one.Url),
            new("Models:two:Kind", "http"), new("Models:two:Url", two.Url), new("Models:two:Description", "The second"));

        Assert.Equal(["one", "two"], host.Models.Select(model => model.Name).Order());
        foreach (var model in host.Models)
        {
            Assert.Equal(model.Name, (await model.RunAsync(host.Run("x"), Cancel)).Response.Text);
        }

        Assert.Contains("The second", host.Models.Select(model => model.Description));
    }

    private static async Task SayAndStallAsync(ModelExchange exchange)
    {
        await exchange.WriteAsync($$"""{"{{Fine}}":""");
        await exchange.StallAsync();
    }
}
