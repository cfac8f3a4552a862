using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>
/// Renders the slice of Helm's template language that published charts are written in. Whatever it does not know is an error.
/// </summary>
internal sealed partial class HelmTemplate(JsonNode values, Func<string, string> file)
{
    public string Render(string template) => Expression().Replace(template, match =>
        Text(Pipeline(new Queue<string>(Token().Matches(match.Groups[1].Value).Select(token => token.Value)))));

    private static string Text(object? value) => value switch
    {
        string text => text,
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => throw new InvalidOperationException("A value is missing."),
    };

    private object? Pipeline(Queue<string> tokens)
    {
        var value = Call(tokens, []);
        while (tokens.TryDequeue(out var token) && token == "|")
        {
            value = Call(tokens, [value]);
        }

        return value;
    }

    private object? Call(Queue<string> tokens, object?[] piped)
    {
        var function = tokens.Dequeue();
        if (function[0] is '.' or '$')
        {
            return Field(function);
        }

        var arguments = new List<object?>();
        while (tokens.TryPeek(out var next) && next is not ("|" or ")"))
        {
            tokens.Dequeue();
            arguments.Add(next switch
            {
                "(" => Pipeline(tokens),
                _ when next[0] == '`' => next[1..^1],
                _ => Field(next),
            });
        }

        return Apply(function, [.. arguments, .. piped]);
    }

    private object Apply(string function, object?[] arguments) => function switch
    {
        "int" => int.Parse(Text(arguments[0]), CultureInfo.InvariantCulture),
        "toString" or "print" => string.Concat(arguments.Select(Text)),
        "urlquery" => Uri.EscapeDataString(Text(arguments[0])),
        "regexFind" => Regex.Match(Text(arguments[1]), Text(arguments[0])).Value,
        "include" => Render(file(Text(arguments[0]))),
        "sha256sum" => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Text(arguments[0])))),
        "required" => arguments[1] is string { Length: > 0 } value ? value : throw new InvalidDataException(Text(arguments[0])),
        _ => throw new NotSupportedException($"Template function {function}."),
    };

    private object? Field(string path) => path switch
    {
        "." => null,
        ".Chart.Name" => "ticketapp",
        ".Release.Name" => "ticketapp",
        ".Release.Namespace" => "ticketapp",
        "$.Template.BasePath" => "templates",
        _ when path.StartsWith(".Values.", StringComparison.Ordinal) => Value(path.Split('.')[2..]),
        _ => throw new NotSupportedException($"Template field {path}."),
    };

    private object? Value(string[] keys)
    {
        var node = values;
        foreach (var key in keys)
        {
            node = node?[key];
        }

        return node switch
        {
            null => throw new InvalidDataException($"values.yaml has no {string.Join('.', keys)}."),
            JsonValue value when value.TryGetValue<long>(out var number) => number,
            _ => node.GetValue<string>(),
        };
    }

    [GeneratedRegex(@"\{\{(.*?)\}\}")]
    private static partial Regex Expression();

    [GeneratedRegex(@"`[^`]*`|[()|]|[^\s()|`]+")]
    private static partial Regex Token();
}
