using System.Globalization;
using System.Net.Http.Headers;
using System.Text;

namespace TicketApp.Tests.Api.Resources;

/// <summary>Makes requests to the resource API that are nearly right, or not at all: the same ones for the same seed.</summary>
internal sealed class RandomRequests(int seed, IReadOnlyList<string> users, IReadOnlyList<string> tickets)
{
    private static readonly string[] _paths =
    [
        "/v1/tickets", "/v1/tickets/ID", "/v1/tickets/ID/retry", "/v1/tickets/ID/cancel", "/v1/tickets/batch", "/v1/tickets/changes",
        "/v1/stats", "/v1/models", "/v1/users", "/v1/TEXT", "/v1/tickets/TEXT", "/v1/tickets/ID/TEXT",
    ];

    private static readonly string[] _methods = ["GET", "GET", "GET", "POST", "POST", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"];

    private static readonly string[] _fields =
    [
        "user_id", "model", "input", "priority", "policy", "queue_ttl_s", "execution_timeout_s", "deadline_s", "tickets", "id", "TEXT",
    ];

    private static readonly string[] _parameters =
        ["user_id", "status", "created_after", "created_before", "limit", "cursor", "after", "TEXT"];

    private static readonly string[] _words =
    [
        "simulated", "low", "high", "normal", "queued", "succeeded,failed", "2026-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01",
        "now", "-1", "0", "7", "101", "99999999999999999999",
    ];

    private static readonly string[] _headers =
        ["Idempotency-Key", "If-None-Match", "Last-Event-ID", "Accept", "Accept-Encoding", "Range", "If-Modified-Since"];

    // The analyzer's question is about secrets; this is about repeatability.
    private readonly Random _random = new(seed);

    public HttpRequestMessage Next()
    {
        HttpRequestMessage request = new(new HttpMethod(Pick(_methods)), $"{Fill(Pick(_paths))}{Query()}");
        if (request.Method == HttpMethod.Get || request.Method == HttpMethod.Head || _random.Next(8) == 0)
        {
            // No body.
        }
        else
        {
            var body = _random.Next(10) == 0 ? Garbage() : Encoding.UTF8.GetBytes(_random.Next(3) == 0 ? Ticket() : Json(0));
            var type = _random.Next(10) == 0 ? "text/plain" : "application/json";
            request.Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue(type) } };
        }

        while (_random.Next(3) == 0)
        {
            request.Headers.TryAddWithoutValidation(Pick(_headers), Ascii());
        }

        return request;
    }

    private string Query()
    {
        StringBuilder query = new();
        while (_random.Next(2) == 0)
        {
            query.Append(query.Length == 0 ? '?' : '&')
                .Append(Uri.EscapeDataString(Fill(Pick(_parameters))))
                .Append('=')
                .Append(Uri.EscapeDataString(Value()));
        }

        return query.ToString();
    }

    private string Ticket() => $$"""{"user_id":"{{Pick(users)}}","input":{{Json(2)}},"priority":"{{Pick(_words)}}"}""";

    private string Json(int depth) => _random.Next(depth > 3 ? 6 : 9) switch
    {
        0 => "null",
        1 => "true",
        2 => _random.Next(-5, 1_000_000).ToString(CultureInfo.InvariantCulture),
        3 => "1e400",
        4 => "\"\\ud800\\u0000\"",
        5 => Quoted(Value().ReplaceLineEndings("")),
        6 => $"[{string.Join(',', Enumerable.Range(0, _random.Next(4)).Select(_ => Json(depth + 1)))}]",
        _ => $"{{{string.Join(',', Enumerable.Range(0, _random.Next(5)).Select(_ => $"{Name()}:{Json(depth + 1)}"))}}}",
    };

    private string Name() => Quoted(Fill(Pick(_fields)));

    /// <summary>A string of JSON, without what would have to be escaped.</summary>
    private static string Quoted(string text) =>
        $"\"{text.Replace("\\", "", StringComparison.Ordinal).Replace("\"", "", StringComparison.Ordinal)}\"";

    private string Value() => _random.Next(5) switch
    {
        0 => Pick(_words),
        1 => Pick(users),
        2 => Pick(tickets),
        3 => Convert.ToBase64String(Garbage()),
        _ => Text(),
    };

    private string Fill(string template) => template
        .Replace("ID", _random.Next(3) == 0 ? Uri.EscapeDataString(Text()) : Pick(tickets), StringComparison.Ordinal)
        .Replace("TEXT", Uri.EscapeDataString(Text()), StringComparison.Ordinal);

    private string Text() => string.Concat(Enumerable.Range(0, _random.Next(12)).Select(_ => _random.Next(4) switch
    {
        0 => (char)_random.Next(' ', 127),
        1 => (char)_random.Next('à', 'ÿ'),
        2 => (char)_random.Next('一', '丿'),
        _ => (char)_random.Next('a', 'z'),
    }));

    private string Ascii() => string.Concat(Enumerable.Range(0, _random.Next(20)).Select(_ => (char)_random.Next(' ', 127)));

    private byte[] Garbage()
    {
        var bytes = new byte[_random.Next(60)];
        _random.NextBytes(bytes);
        return bytes;
    }

    private string Pick(IReadOnlyList<string> of) => of[_random.Next(of.Count)];
}
