using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace TicketApp.Tests.Http;

/// <summary>
/// Someone who sends random requests, and all that only they may see: ids, inputs and secrets, as the answers that they got have them.
/// Bounded: what is oldest is forgotten.
/// </summary>
/// <param name="userId">Its id; null: someone without a key.</param>
/// <param name="key">Its key.</param>
internal sealed partial class RandomCaller(string? userId, string? key)
{
    private const int MaxRemembered = 60;

    private readonly Lock _lock = new();
    private readonly string _input = $"input of {userId} {Guid.NewGuid()}";
    private readonly Dictionary<string, List<string>> _values = [];

    public string? Key => key;

    /// <summary>What no answer to anybody else may have in it.</summary>
    public string[] Secrets
    {
        get
        {
            lock (_lock)
            {
                return userId is null ? [] : [userId, _input, key!, .. _values.Values.SelectMany(values => values).Where(IsSecret)];
            }
        }
    }

    /// <summary>A text with ids in the place of their placeholders.</summary>
    public string Fill(string text, RandomCaller other) => Placeholder().Replace(text, match =>
    {
        var number = int.Parse(match.Groups[3].ValueSpan, CultureInfo.InvariantCulture);
        return (match.Groups[1].Value == "own" ? this : other).Value(match.Groups[2].Value, number);
    });

    /// <summary>Remembers what an answer told, but not what the request itself had said.</summary>
    public void Learn(string body, string request)
    {
        try
        {
            if (JsonNode.Parse(body) is { } answer)
            {
                lock (_lock)
                {
                    Learn("", answer, request);
                }
            }
        }
        catch (JsonException)
        {
            // An event stream, or a page.
        }
    }

    private static bool IsSecret(string value) => Guid.TryParse(value, out _)
        || value.StartsWith("resp_", StringComparison.Ordinal) || value.StartsWith("chatcmpl-", StringComparison.Ordinal)
        || value.StartsWith("tk_", StringComparison.Ordinal) || value.StartsWith("whsec_", StringComparison.Ordinal);

    private void Learn(string name, JsonNode? node, string request)
    {
        if (name == "input")
        {
            // Whatever the caller sent.
            return;
        }

        if (node is JsonArray array)
        {
            foreach (var item in array)
            {
                Learn(name, item, request);
            }
        }
        else if (node is JsonObject members)
        {
            foreach (var (member, value) in members)
            {
                Learn(member, value, request);
            }
        }
        else if (node?.GetValueKind() == JsonValueKind.String && (string)node! is { Length: > 0 and < 1_000 } text
            && name is "id" or "prefix" or "api_key" or "key" or "secret" or "next" or "ticket_id" or "stream"
            // Models, which all may see, have their names for ids.
            && (name != "id" || IsSecret(text))
            && !request.Contains(text, StringComparison.Ordinal))
        {
            // Of a URL, what requests are made with.
            (name, text) = (text.StartsWith("resp_", StringComparison.Ordinal) ? "response" : name, UrlPart().Replace(text, ""));
            var values = _values.TryGetValue(name, out var found) ? found : _values[name] = [];
            if (!values.Contains(text))
            {
                values.Add(text);
                values.RemoveRange(0, Math.Max(0, values.Count - MaxRemembered));
            }
        }
    }

    private string Value(string name, int number)
    {
        lock (_lock)
        {
            var values = _values.GetValueOrDefault(name is "cursor" or "after" ? "next" : name) ?? _values.GetValueOrDefault("id") ?? [];
            return name == "input" ? _input
                : name == "user_id" ? userId ?? Guid.Empty.ToString()
                : values.Count == 0 ? Guid.Empty.ToString()
                : values[number % values.Count];
        }
    }

    [GeneratedRegex("^http.*(/predictions/|cursor=)")]
    private static partial Regex UrlPart();

    [GeneratedRegex("<(own|other):([a-z_]+):([0-9]+)>")]
    private static partial Regex Placeholder();
}
