using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Http;

/// <summary>
/// What no client of HTTP would send, byte by byte: each is refused, or served, in bounded time, and never by a fault of the service. All
/// endpoints are asked, those of other APIs and of the original too.
/// </summary>
[Collection(KeyedCollection.Name)]
public sealed class RawRequestTests(KeyedApp app) : IDisposable
{
    // Of one user: far fewer than a second's allowance.
    private const int RequestsPerUser = 50;
    private const string Json = "application/json";

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);
    private static readonly string _long = new('x', 7000);

    private static readonly string[] _parts =
        ["%00", "a%00b", "%ff", "%ed%a0%80", "%c0%80", "..%2f..", "%", "%zz", "%25%30%30", "%0d%0aX:1", _long];

    private static readonly string[] _queries =
    [
        "x=%00", "%00", "ID=%ff", "ID=%ed%a0%80", "ID=%zz", "ID=a%00", "ID=1&ID=2", $"ID={_long}", "=&&=&%", "ID", "ID[]=%0d%0aX:1",
    ];

    private static readonly string[] _names =
        ["ticket_id", "user_id", "cursor", "after", "limit", "status", "created_after", "url", "token", "stream", "starting_after"];

    private static readonly string[] _bodies =
    [
        "{\"user_id\":\"\u00ff\"}", "{\"user_id\":\"\\ud800\"}", "{\"user_id\":\"\\u0000\",\"input\":\"\\u0000\"}", "\0", "{\"a\":\"\0\"}",
        "\u00ef\u00bb\u00bf{}", "\u00fe\u00ff\0{\0}", new string('[', 20_000), "{\"user_id\":1e999999999}", "{", "[]", "null", "",
        $"{{\"{_long}\":1}}", "{\"model\":\"\\u0000\",\"input\":[{\"role\":\"user\",\"content\":\"\\ud800\"}]}",
        "{\"model\":\"\\ud800\",\"messages\":[{\"role\":\"user\",\"content\":\"\\u0000\"}]}",
        "{\"version\":\"\\u0000\",\"input\":{\"\\ud800\":1}}",
    ];

    private static readonly string[] _heads =
    [
        "X: a\0b", $"Authorization: Bearer {new string('a', 2000)}", "Authorization: Bearer \u00ff", "Authorization: ",
        "Authorization: Bearer", "Idempotency-Key: \u00ff", "Idempotency-Key: \u00c0\u0080", $"Idempotency-Key: {_long}",
        "Last-Event-ID: \u00ff", "Prefer: \u00ff", "Prefer: wait=99999999999999999999", $"Prefer: {_long}", "If-None-Match: \u00ff",
        "If-None-Match: \"", "Range: bytes=9-1", "Accept: ;;", "traceparent: \u00ff", "traceparent: 00-0-0-0", $"baggage: {_long}",
        "Origin: \u00ff", "Sec-Fetch-Site: \u00ff", "Cancel-After: \u00ff", "Content-Encoding: gzip",
        "Content-Type: application/json; charset=nonsense", "Content-Type: \u00ff", "X-Forwarded-For: \u00ff", "X-Forwarded-Proto: \0",
        "Content-Length: -1", "Content-Length: 1\r\nContent-Length: 2", "Content-Length: 99999999999999999999",
        "Transfer-Encoding: nonsense", "Transfer-Encoding: chunked\r\nContent-Length: 1", "Expect: nonsense", " folded", "X : y", "X",
        ": y",
        "Host: a\r\nHost: b", $"X: {new string('y', 40_000)}", string.Join("\r\n", Enumerable.Range(0, 200).Select(i => $"X{i}: y")),
        "Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: x",
        "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13",
    ];

    private static readonly string[] _starts =
    [
        "GET /v1/tickets", "GET  /v1/tickets HTTP/1.1", "GET v1/tickets HTTP/1.1", "OPTIONS * HTTP/1.1",
        "GET * HTTP/1.1", "GET http://elsewhere.example/v1/tickets HTTP/1.1", "CONNECT elsewhere.example:443 HTTP/1.1",
        "TRACE /v1/stats HTTP/1.1", "G\0T / HTTP/1.1", "\u0016\u0003\u0001\u0002",
        $"GET /{new string('x', 9000)} HTTP/1.1", "GET /v1/\u00ff HTTP/1.1", "GET /v1/tickets?\u00ff HTTP/1.1", "GET /v1/tickets HTTP/1.0",
        "GET //v1//tickets HTTP/1.1", "GET /v1/./../v1/tickets/%2e%2e HTTP/1.1",
    ];

    private readonly SemaphoreSlim _counting = new(1, 1);
    private string _key = "";
    private int _sent;
    private int _limited;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_part_of_a_path_or_a_query_is_too_odd()
    {
        foreach (var (method, path) in await OperationsAsync())
        {
            foreach (var part in _parts)
            {
                await CheckAsync(method, path.Contains('{') ? Filled(path, part) : $"{path}/{part}");
            }

            foreach (var query in _queries)
            {
                var all = string.Join('&', _names.Select(name => query.Replace("ID", name, StringComparison.Ordinal)));
                // A request line has 8 KiB.
                await CheckAsync(method, $"{Filled(path, "x")}?{(query.Contains(_long, StringComparison.Ordinal) ? query : all)}");
            }
        }

        AssertWasServed();
    }

    [Fact]
    public async Task No_body_is_too_odd()
    {
        foreach (var (method, path) in (await OperationsAsync()).Where(operation => operation.Method is not ("GET" or "HEAD")))
        {
            foreach (var body in _bodies)
            {
                await CheckAsync(method, Filled(path, "x"), $"Content-Type: {Json}", body);
            }
        }

        AssertWasServed();
    }

    [Fact]
    public async Task No_header_is_too_odd()
    {
        string[] targets =
        [
            "POST /user", "POST /ticket", "GET /ticket?ticket_id=x", "POST /v1/tickets", "GET /v1/tickets", "GET /v1/tickets/x/events",
            "POST /openai/v1/responses", "GET /openai/v1/models", "POST /replicate/v1/predictions",
            "GET /replicate/v1/predictions/x/stream", "GET /", "GET /health", "GET /v1/erasures/x",
        ];
        // Some heads promise a body, for which the service waits some seconds: all targets at once, or most of the test would be that.
        await Task.WhenAll(targets.Select(async target =>
        {
            foreach (var head in _heads)
            {
                await CheckAsync(target.Split(' ')[0], target.Split(' ')[1], head, body: null);
            }
        }));

        foreach (var start in _starts)
        {
            AssertAnswer(await SendAsync($"{start}\r\nHost: localhost\r\nConnection: close\r\n\r\n"), path: null, start);
        }

        // What is not HTTP/1.1 is answered in its own terms: by a frame that ends the connection, and as section 15.6.6 of RFC 9110 has it.
        Assert.NotEmpty(await SendAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
        Assert.StartsWith("HTTP/1.1 505 ", await SendAsync("GET /v1/tickets HTTP/9.9\r\n\r\n"), StringComparison.Ordinal);
        AssertAnswer(await SendAsync("GET /v1/tickets HTTP/1.1\r\nConnection: close\r\n\r\n"), "/v1/tickets", "no host");
        AssertWasServed();
    }

    /// <summary>URLs in answers and webhooks repeat it, some hundreds of times.</summary>
    [Theory]
    [InlineData(260, "HTTP/1.1 200 ")]
    [InlineData(261, "HTTP/1.1 400 ")]
    public async Task The_name_of_the_host_is_bounded(int length, string start)
    {
        var answer = await SendAsync(
            $"GET /v1/stats HTTP/1.1\r\nHost: {new string('a', length)}\r\n{await AuthorizationAsync()}Connection: close\r\n\r\n");

        Assert.StartsWith(start, answer, StringComparison.Ordinal);
        AssertAnswer(answer, "/v1/stats", "a long host");
    }

    /// <summary>Together: those that are silent are waited for.</summary>
    [Fact]
    public async Task Nobody_waits_for_a_body_that_does_not_come()
    {
        string[] paths =
            ["/user", "/ticket", "/v1/tickets", "/v1/tickets/batch", "/openai/v1/responses", "/replicate/v1/predictions"];
        (string Head, string Body)[] parts =
        [
            ("Content-Length: 100", "{\"user_id\":"), ("Transfer-Encoding: chunked", "zz\r\n"),
            ("Transfer-Encoding: chunked", "ffffffffffffffffff\r\n{"), ("Transfer-Encoding: chunked", "5\r\n{}"),
        ];
        await Task.WhenAll(paths.SelectMany(path => parts, async (path, part) =>
        {
            var whole = $"POST {path} HTTP/1.1\r\nHost: localhost\r\n{await AuthorizationAsync()}Content-Type: {Json}\r\n"
                + $"{part.Head}\r\n\r\n{part.Body}";
            // One that ends, and one that is silent.
            AssertAnswer(await SendAsync(whole, isEnded: true), path, whole, isCut: true);
            if (path == "/v1/tickets")
            {
                AssertAnswer(await SendAsync(whole), path, whole, isCut: true);
            }
        }));
    }

    public void Dispose() => _counting.Dispose();

    private static string Filled(string path, string part) =>
        string.Join('/', path.Split('/').Select(segment => segment.StartsWith('{') ? part : segment));

    private static bool HasLength(string head) =>
        head.StartsWith("Content-Length", StringComparison.Ordinal) || head.StartsWith("Transfer-Encoding", StringComparison.Ordinal);

    /// <param name="answer">The whole of it.</param>
    /// <param name="path">Says which form an error has; null: any.</param>
    /// <param name="what">What was sent.</param>
    /// <param name="isCut">Whether the request was not whole.</param>
    private static void AssertAnswer(string answer, string? path, string what, bool isCut = false)
    {
        if (answer.Length == 0)
        {
            // Who has gone away is not answered.
            Assert.True(isCut, $"no answer to {what}");
            return;
        }

        var end = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        Assert.True(answer.StartsWith("HTTP/1.1 ", StringComparison.Ordinal) && end > 0, $"{what}\n{answer}");
        var status = int.Parse(answer.AsSpan("HTTP/1.1 ".Length, 3), CultureInfo.InvariantCulture);
        Assert.True(status is >= 200 and < 500, $"{what}\n{answer}");
        var lines = answer[..end].Split("\r\n");
        var type = lines.FirstOrDefault(line => line.StartsWith("Content-Type: ", StringComparison.OrdinalIgnoreCase))?[14..];
        Assert.Contains(lines, line => line.Equals("X-Content-Type-Options: nosniff", StringComparison.OrdinalIgnoreCase));
        var form = status != 400 && type == "application/problem+json" ? "/v1" : path ?? "/";
        AnswerForm.Assert(form, status, type, answer[(end + 4)..], $"{what}\n{answer}");
    }

    private void AssertWasServed() => Assert.True(_limited < _sent / 10, $"{_limited} of {_sent} were refused for their number");

    private async Task<(string Method, string Path)[]> OperationsAsync()
    {
        var description = await KeyedApp.AskAsync(app.First, HttpMethod.Get, "/openapi/v1.json", key: null);
        return [.. new RandomRequests((JsonObject)description!).Operations.Select(name => (name.Split(' ')[0], name.Split(' ')[1]))];
    }

    private Task CheckAsync(string method, string target) => CheckAsync(method, target, "X: y", body: null);

    private async Task CheckAsync(string method, string target, string head, string? body)
    {
        // The head's own comes first, where it has one.
        var whole = $"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{head}\r\n"
            + (head.StartsWith("Authorization", StringComparison.Ordinal) ? "" : await AuthorizationAsync())
            + (HasLength(head) ? "" : $"Content-Length: {body?.Length ?? 0}\r\n")
            + $"\r\n{body}";
        var answer = await SendAsync(whole);
        Interlocked.Add(ref _limited, answer.StartsWith("HTTP/1.1 429", StringComparison.Ordinal) ? 1 : 0);
        AssertAnswer(answer, target.Split('?')[0], whole[..Math.Min(whole.Length, 1000)]);
    }

    private async Task<string> AuthorizationAsync()
    {
        await _counting.WaitAsync(Cancel);
        try
        {
            if (_sent++ % RequestsPerUser == 0)
            {
                _key = (await app.CreateUserWithKeyAsync()).Key;
            }

            return $"Authorization: Bearer {_key}\r\n";
        }
        finally
        {
            _counting.Release();
        }
    }

    /// <summary>Sends bytes, a character each, and reads until the connection ends.</summary>
    private async Task<string> SendAsync(string request, bool isEnded = false)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(_limit);
        using Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync("127.0.0.1", app.First.BaseAddress!.Port, limit.Token);
        StringBuilder answer = new();
        try
        {
            await socket.SendAsync(Encoding.Latin1.GetBytes(request), SocketFlags.None, limit.Token);
            if (isEnded)
            {
                socket.Shutdown(SocketShutdown.Send);
            }

            var buffer = new byte[64 * 1024];
            for (int read; (read = await socket.ReceiveAsync(buffer, SocketFlags.None, limit.Token)) > 0;)
            {
                answer.Append(Encoding.Latin1.GetString(buffer.AsSpan(0, read)));
            }
        }
        catch (SocketException)
        {
            // Closed with bytes unread, which resets the connection; the answer may be here already.
        }
        catch (OperationCanceledException) when (!Cancel.IsCancellationRequested)
        {
            Assert.Fail($"no end of the answer to {request[..Math.Min(request.Length, 1000)]}\n{answer}");
        }

        return answer.ToString();
    }
}
