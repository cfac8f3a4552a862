using System.Text.Json;

namespace TicketApp.Api.Facades.OpenAi;

/// <summary>
/// Reads an object of a request strictly. What is wrong first is what the caller is told, as OpenAI's API does it. A null is as good as
/// nothing.
/// </summary>
internal sealed class RequestFields
{
    private readonly JsonElement _object;
    private readonly string _path;
    private readonly RequestFields _root;
    private readonly HashSet<string> _known = [];

    public RequestFields(JsonElement json)
        : this(json, "", null)
    {
    }

    private RequestFields(JsonElement json, string path, RequestFields? root) => (_object, _path, _root) = (json, path, root ?? this);

    /// <summary>What was wrong first, here or in a part.</summary>
    public OpenAiError? Error => _root._error;

    private OpenAiError? _error;

    public string PathOf(string name) => _path + name;

    /// <summary>What is wrong, if it is the first that is.</summary>
    public void Fail(string name, string code, string message) => _root._error ??= OpenAiError.Invalid(PathOf(name), code, message);

    /// <summary>The value of a field; null if it is absent.</summary>
    public JsonElement? Any(string name)
    {
        _known.Add(name);
        return _object.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }

    /// <summary>The same of one that must be there.</summary>
    public JsonElement? Required(string name)
    {
        var value = Any(name);
        if (value is null)
        {
            Fail(name, "missing_required_parameter", $"Missing required parameter: '{PathOf(name)}'.");
        }

        return value;
    }

    public string? Text(string name, bool isRequired = false) =>
        Of(name, "a string", isRequired, JsonValueKind.String)?.GetString();

    public bool Flag(string name) => Of(name, "a boolean", false, JsonValueKind.True, JsonValueKind.False)?.ValueKind == JsonValueKind.True;

    /// <summary>A number as it is written.</summary>
    public JsonElement? Number(string name, double min, double max)
    {
        var value = Of(name, "a number", false, JsonValueKind.Number);
        if (value?.TryGetDouble(out var number) == true && number >= min && number <= max)
        {
            return value;
        }

        return value is null ? null : OutOfRange(name, FormattableString.Invariant($"from {min} to {max}"));
    }

    /// <summary>A whole number as it is written.</summary>
    public JsonElement? Integer(string name, long min, long max = int.MaxValue)
    {
        var value = Of(name, "an integer", false, JsonValueKind.Number);
        if (value?.TryGetInt64(out var number) == true && number >= min && number <= max)
        {
            return value;
        }

        return value is null ? null : OutOfRange(name, FormattableString.Invariant($"an integer from {min} to {max}"));
    }

    /// <summary>A word out of a list.</summary>
    public string? Word(string name, params ReadOnlySpan<string> words)
    {
        var text = Text(name);
        if (text is not null && !words.Contains(text))
        {
            Fail(name, "invalid_value", $"Invalid value for '{PathOf(name)}': supported values are {List(words)}.");
            return null;
        }

        return text;
    }

    public JsonElement? Array(string name) => Of(name, "an array", false, JsonValueKind.Array);

    /// <summary>An object within; null if it is absent.</summary>
    public RequestFields? Object(string name) =>
        Of(name, "an object", false, JsonValueKind.Object) is { } value ? new(value, $"{PathOf(name)}.", _root) : null;

    /// <summary>The objects of an array, each with its place.</summary>
    public IEnumerable<RequestFields> Objects(string name, JsonElement array)
    {
        var index = 0;
        foreach (var item in array.EnumerateArray())
        {
            var place = FormattableString.Invariant($"{name}[{index++}]");
            if (item.ValueKind != JsonValueKind.Object)
            {
                Fail(place, "invalid_type", $"Invalid type for '{PathOf(place)}': expected an object, but got {Kind(item)} instead.");
                yield break;
            }

            yield return new(item, $"{PathOf(place)}.", _root);
        }
    }

    /// <summary>Fields that change nothing about an answer here.</summary>
    public void Ignore(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            _known.Add(name);
        }
    }

    /// <summary>Fields that ask for what a chat model cannot do.</summary>
    public void Refuse(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (Any(name) is not null)
            {
                Fail(name, "unsupported_parameter", $"Unsupported parameter: '{PathOf(name)}' is not supported here.");
            }
        }
    }

    /// <summary>A field that may ask for what happens anyway, each value as JSON, and for nothing else.</summary>
    public void Only(string name, params ReadOnlySpan<string> values)
    {
        if (Any(name) is { } value && !values.Contains(value.GetRawText()))
        {
            Fail(
                name, "unsupported_value",
                $"Unsupported value: '{PathOf(name)}' does not support this value here; it may be {List(values)} or absent.");
        }
    }

    /// <summary>Whatever has not been read until now is no field of this object.</summary>
    public void End()
    {
        foreach (var field in _object.EnumerateObject().Where(field => !_known.Contains(field.Name)))
        {
            var name = field.Name.Length <= 50 ? field.Name : field.Name[..50];
            Fail(name, "unknown_parameter", $"Unknown parameter: '{PathOf(name)}'.");
        }
    }

    /// <summary>The values that an object's labels have: up to 16 short texts by name.</summary>
    public JsonElement? Metadata(string name)
    {
        const int Most = 16;
        const int MaxKey = 64;
        const int MaxValue = 512;
        var value = Of(name, "an object", false, JsonValueKind.Object);
        if (value is { } labels && (labels.GetPropertyCount() > Most || labels.EnumerateObject().Any(label =>
            label.Name.Length > MaxKey || label.Value.ValueKind != JsonValueKind.String || label.Value.GetString()!.Length > MaxValue)))
        {
            Fail(
                name, "invalid_value",
                $"Invalid '{PathOf(name)}': expected at most {Most} strings of at most {MaxValue} characters, "
                    + $"by keys of at most {MaxKey}.");
            return null;
        }

        return value;
    }

    private static string List(ReadOnlySpan<string> words) => string.Join(", ", words.ToArray().Select(word => $"'{word.Trim('"')}'"));

    private static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => "a boolean",
    };

    private JsonElement? OutOfRange(string name, string range)
    {
        Fail(name, "invalid_value", $"Invalid value for '{PathOf(name)}': expected {range}.");
        return null;
    }

    private JsonElement? Of(string name, string expected, bool isRequired, params ReadOnlySpan<JsonValueKind> kinds)
    {
        var value = isRequired ? Required(name) : Any(name);
        if (value is { } found && !kinds.Contains(found.ValueKind))
        {
            Fail(
                name, "invalid_type",
                $"Invalid type for '{PathOf(name)}': expected {expected}, but got {Kind(found)} instead.");
            return null;
        }

        return value;
    }
}
