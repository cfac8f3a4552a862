using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using TicketApp.Worker.Models.Endpoints;

namespace TicketApp.Worker.Models.Chat;

/// <summary>What one event of an answer says.</summary>
/// <param name="Text">What the answer grows by.</param>
/// <param name="IsToken">Whether the model has worked: on the answer, or on what it reasons before.</param>
/// <param name="End">Why the answer has ended, if it has.</param>
/// <param name="Usage">What it took.</param>
/// <param name="Model">Which model has answered.</param>
/// <param name="IsLast">Whether nothing follows.</param>
internal sealed record ChatPiece(string? Text, bool IsToken, string? End, UsageDetails? Usage, string? Model, bool IsLast);

/// <summary>
/// Reads answers as servers really send them: what cannot matter is not read strictly. An answer without events, as one JSON object, is
/// taken too.
/// </summary>
internal static class ChatStream
{
    private const string Done = "[DONE]";

    private static readonly ChatPiece _done = new(null, IsToken: false, null, null, null, IsLast: true);

    /// <summary>Reads the events of <paramref name="body"/>.</summary>
    /// <param name="body">What the endpoint sends.</param>
    /// <param name="heard">Called with each line, whatever it says.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="JsonException">An event is not JSON.</exception>
    public static async IAsyncEnumerable<ChatPiece> ReadAsync(
        Stream body, Action heard, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using StreamReader lines = new(new BoundedEventStream(body), Encoding.UTF8);
        StringBuilder data = new();
        while (await lines.ReadLineAsync(cancellationToken) is { } line)
        {
            heard();
            if (line.StartsWith("data:", StringComparison.Ordinal))
            {
                data.Append(data.Length > 0 ? "\n" : "").Append(line.AsSpan("data:".Length).TrimStart(' '));
            }
            else if (line.StartsWith('{'))
            {
                // No line of an event begins like that.
                var whole = Parse(await ReadRestAsync(line, lines, heard, cancellationToken));
                yield return whole is null ? _done : whole with { IsLast = true };
                yield break;
            }
            else if (line.Length == 0 && data.Length > 0)
            {
                var text = data.ToString().Trim();
                data.Clear();
                if (text == Done)
                {
                    yield return _done;
                    yield break;
                }

                if (Parse(text) is { } piece)
                {
                    yield return piece;
                }
            }
        }

        // The last event may lack the empty line after it.
        if (data.ToString().Trim() is { Length: > 0 } last && (last == Done ? _done : Parse(last)) is { } end)
        {
            yield return end;
        }
    }

    private static async Task<string> ReadRestAsync(
        string line, StreamReader lines, Action heard, CancellationToken cancellationToken)
    {
        StringBuilder text = new(line);
        while (await lines.ReadLineAsync(cancellationToken) is { } more)
        {
            heard();
            // An empty line within it looks like the end of an event to the stream, which counts from there.
            if (text.Append('\n').Append(more).Length > BoundedEventStream.MaxEvent)
            {
                throw BoundedEventStream.TooLarge("object");
            }
        }

        return text.ToString();
    }

    private static ChatPiece? Parse(string data)
    {
        using var document = JsonDocument.Parse(data);
        var root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        if (Child(root, "error") is { ValueKind: JsonValueKind.Object } or { ValueKind: JsonValueKind.String })
        {
            throw new ModelException("The endpoint's answer broke off before its end, with an error");
        }

        var choice = Child(root, "choices") switch
        {
            { ValueKind: JsonValueKind.Array } choices => choices.EnumerateArray().FirstOrDefault(),
            { ValueKind: JsonValueKind.Null or JsonValueKind.Undefined } => default,
            _ => throw new JsonException(),
        };
        var message = Child(choice, "delta") is { ValueKind: JsonValueKind.Object } delta ? delta : Child(choice, "message");
        var text = Text(Child(message, "content"));
        var hasThought =
            Text(Child(message, "reasoning_content")) is { Length: > 0 } || Text(Child(message, "reasoning")) is { Length: > 0 };
        var end = Text(Child(choice, "finish_reason"));
        return new(
            text, text is { Length: > 0 } || hasThought, end is { Length: > 0 } ? end : null, Usage(Child(root, "usage")),
            Text(Child(root, "model")), IsLast: false);
    }

    private static JsonElement Child(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var child) ? child : default;

    private static UsageDetails? Usage(JsonElement usage) =>
        usage.ValueKind != JsonValueKind.Object ? null : new()
        {
            InputTokenCount = Number(Child(usage, "prompt_tokens")),
            OutputTokenCount = Number(Child(usage, "completion_tokens")),
            TotalTokenCount = Number(Child(usage, "total_tokens")),
        };

    private static long? Number(JsonElement number) =>
        number.ValueKind == JsonValueKind.Number && number.TryGetInt64(out var value) ? value : null;

    private static string? Text(JsonElement text) => text.ValueKind switch
    {
        JsonValueKind.String => Unescape(text),
        // Content in parts, of which those that are text count.
        JsonValueKind.Array => string.Concat(text.EnumerateArray().Select(part => Text(Child(part, "text")))),
        _ => null,
    };

    private static string Unescape(JsonElement text)
    {
        try
        {
            return text.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // Half of an emoji, whose other half is in the next event.
            return Unescape(text.GetRawText().AsSpan()[1..^1]);
        }
    }

    private static string Unescape(ReadOnlySpan<char> raw)
    {
        StringBuilder text = new(raw.Length);
        for (var i = 0; i < raw.Length; i++)
        {
            if (raw[i] != '\\')
            {
                text.Append(raw[i]);
                continue;
            }

            i++;
            if (raw[i] == 'u')
            {
                text.Append((char)ushort.Parse(raw.Slice(i + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                i += 4;
                continue;
            }

            text.Append(raw[i] switch { 'n' => '\n', 'r' => '\r', 't' => '\t', 'b' => '\b', 'f' => '\f', var same => same });
        }

        return text.ToString();
    }
}
