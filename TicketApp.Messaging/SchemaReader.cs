using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace TicketApp.Messaging;

/// <summary>Reads a JSON Schema strictly, keyword by keyword, and writes down what it asserts. See <see cref="InputSchema"/>.</summary>
public sealed partial class SchemaReader
{
    /// <summary>The member of each schema in <see cref="InputSchema.Checks"/> that no schema has by itself.</summary>
    public const string Visit = "visit";

    private const string Dialect = "https://json-schema.org/draft/2020-12/schema";
    private const int MaxSchemas = 1000;
    private const int MaxPatterns = 100;
    private const int MaxQuoted = 200;

    private static readonly string[] _types = ["array", "boolean", "integer", "null", "number", "object", "string"];

    private readonly Utf8JsonWriter _writer;

    // By their places: where each leads without a step into the value.
    private readonly Dictionary<string, List<string>> _schemas = [];
    private readonly HashSet<string> _finished = [];
    private int _patterns;

    private SchemaReader(Utf8JsonWriter writer) => _writer = writer;

    // No sign in it that one reader might decode and another might not.
    [GeneratedRegex(@"^#(/[A-Za-z0-9_.$-]+)*\z")]
    private static partial Regex LocalReference { get; }

    /// <summary>Reads a schema.</summary>
    /// <returns><see cref="InputSchema.Checks"/>.</returns>
    /// <exception cref="FormatException">It is not a schema, or cannot be checked.</exception>
    internal static string Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException("it is not an object");
        }

        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter writer = new(buffer))
        {
            SchemaReader reader = new(writer);
            reader.Schema(root, "");
            foreach (var place in reader._schemas.Keys)
            {
                reader.FindLoop(place, []);
            }
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private void Schema(JsonElement schema, string place)
    {
        List<string> sameValue = [];
        _schemas[place] = sameValue;
        if (_schemas.Count > MaxSchemas)
        {
            throw new FormatException($"it has more than {MaxSchemas} schemas");
        }

        _writer.WriteStartObject();
        if (schema.ValueKind == JsonValueKind.Object)
        {
            _writer.WriteNumber(Visit, Weight(schema));
        }
        else
        {
            _writer.WriteBoolean(Visit, schema.ValueKind != JsonValueKind.False);
        }

        if (schema.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
        {
            Require(schema.ValueKind == JsonValueKind.Object, place, "", "is neither an object nor true or false");
            foreach (var keyword in schema.EnumerateObject())
            {
                Keyword(keyword.Name, keyword.Value, place, sameValue);
            }
        }

        _writer.WriteEndObject();
    }

    private void Keyword(string name, JsonElement value, string place, List<string> sameValue)
    {
        var inner = $"{place}/{name}";
        switch (name)
        {
            case "not" or "if" or "then" or "else" or "items" or "contains"
                or "additionalProperties" or "propertyNames":
                if (name is "not" or "if" or "then" or "else")
                {
                    sameValue.Add(inner);
                }

                _writer.WritePropertyName(name);
                Schema(value, inner);
                break;
            case "allOf" or "anyOf" or "oneOf" or "prefixItems":
                Require(value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0, place, name, "must be an array of schemas");
                Schemas(name, value, inner, name == "prefixItems" ? null : sameValue);
                break;
            case "properties" or "patternProperties" or "$defs" or "definitions":
                Require(value.ValueKind == JsonValueKind.Object, place, name, "must be an object of schemas");
                SchemasByName(name, value, inner);
                break;
            case "$ref":
                sameValue.Add(Target(value, place));
                Copy(name, value);
                break;
            case "pattern":
                Require(value.ValueKind == JsonValueKind.String, place, name, "must be a text");
                CheckPattern(value.GetString()!, place);
                Copy(name, value);
                break;
            case "$schema":
                Require(
                    place.Length == 0 && value.ValueKind == JsonValueKind.String && value.GetString()!.TrimEnd('#') == Dialect,
                    place, name, $"must be {Dialect}, at the root");
                break;
            case "$id" when place.Length == 0:
                break;
            case "$id" or "$anchor" or "$dynamicRef" or "$dynamicAnchor" or "$recursiveRef" or "$recursiveAnchor" or "$vocabulary"
                or "dependentSchemas" or "unevaluatedItems" or "unevaluatedProperties":
                throw Defect(place, name, "is not supported");
            default:
                if (Asserts(name, value, place))
                {
                    Copy(name, value);
                }

                break;
        }
    }

    /// <summary>Checks a keyword without schemas in it. Whether it is one that asserts something.</summary>
    private static bool Asserts(string name, JsonElement value, string place)
    {
        switch (name)
        {
            case "type":
                Require(
                    value.ValueKind == JsonValueKind.String ? IsType(value)
                        : value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0 && value.EnumerateArray().All(IsType),
                    place, name, $"must be one or several of {string.Join(", ", _types)}");
                return true;
            case "enum":
                Require(value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0, place, name, "must be an array of values");
                return true;
            case "const":
                return true;
            case "minimum" or "maximum" or "exclusiveMinimum" or "exclusiveMaximum":
                Require(IsNumber(value), place, name, "must be a number");
                return true;
            case "multipleOf":
                Require(
                    value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var divisor) && divisor > 0,
                    place, name, "must be a number above 0 with at most 28 digits");
                return true;
            case "minLength" or "maxLength" or "minItems" or "maxItems" or "minProperties" or "maxProperties"
                or "minContains" or "maxContains":
                Require(
                    value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var count) && count >= 0,
                    place, name, $"must be a whole number from 0 to {int.MaxValue}");
                return true;
            case "uniqueItems":
                Require(value.ValueKind is JsonValueKind.True or JsonValueKind.False, place, name, "must be true or false");
                return true;
            case "required":
                Require(IsNames(value), place, name, "must be an array of names");
                return true;
            case "dependentRequired":
                Require(
                    value.ValueKind == JsonValueKind.Object && value.EnumerateObject().All(names => IsNames(names.Value)),
                    place, name, "must be an object of arrays of names");
                return true;
            default:
                return false;
        }
    }

    /// <summary>In how many entries of the schema a value is looked for.</summary>
    private static int Weight(JsonElement schema) => 1 + schema.EnumerateObject().Sum(keyword =>
        (keyword.Name, keyword.Value.ValueKind) switch
        {
            ("properties", JsonValueKind.Object) => keyword.Value.GetPropertyCount(),
            ("dependentRequired", JsonValueKind.Object) => keyword.Value.EnumerateObject()
                .Sum(names => 1 + (names.Value.ValueKind == JsonValueKind.Array ? names.Value.GetArrayLength() : 0)),
            ("required", JsonValueKind.Array) => keyword.Value.GetArrayLength(),
            _ => 0,
        });

    private static bool IsType(JsonElement type) => type.ValueKind == JsonValueKind.String && _types.Contains(type.GetString());

    private static bool IsNames(JsonElement names) =>
        names.ValueKind == JsonValueKind.Array && names.EnumerateArray().All(name => name.ValueKind == JsonValueKind.String);

    private static bool IsNumber(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number);

    private void CheckPattern(string pattern, string place)
    {
        if (++_patterns > MaxPatterns)
        {
            throw new FormatException($"it has more than {MaxPatterns} patterns");
        }

        try
        {
            _ = new SchemaPattern(pattern);
        }
        catch (FormatException defect)
        {
            throw new FormatException($"the schema at {Quote(place)} {defect.Message}");
        }
    }

    private void Copy(string name, JsonElement value)
    {
        _writer.WritePropertyName(name);
        _writer.WriteRawValue(value.GetRawText(), skipInputValidation: true);
    }

    private void Schemas(string name, JsonElement schemas, string place, List<string>? sameValue)
    {
        _writer.WriteStartArray(name);
        var index = 0;
        foreach (var schema in schemas.EnumerateArray())
        {
            var inner = $"{place}/{index++}";
            sameValue?.Add(inner);
            Schema(schema, inner);
        }

        _writer.WriteEndArray();
    }

    private void SchemasByName(string name, JsonElement schemas, string place)
    {
        _writer.WriteStartObject(name);
        foreach (var schema in schemas.EnumerateObject())
        {
            if (name == "patternProperties")
            {
                CheckPattern(schema.Name, place);
            }

            var inner = $"{place}/{Escape(schema.Name)}";
            _writer.WritePropertyName(schema.Name);
            Schema(schema.Value, inner);
        }

        _writer.WriteEndObject();
    }

    /// <summary>The place that a reference leads to. Nothing is ever fetched.</summary>
    private static string Target(JsonElement reference, string place)
    {
        Require(reference.ValueKind == JsonValueKind.String, place, "$ref", "must be a text");
        Require(LocalReference.IsMatch(reference.GetString()!), place, "$ref", "must stay within the schema, as #/$defs/name");
        return reference.GetString()![1..];
    }

    /// <summary>A schema that leads to itself without a step into the value would never end.</summary>
    private void FindLoop(string place, HashSet<string> path)
    {
        if (_finished.Contains(place))
        {
            return;
        }

        if (!_schemas.TryGetValue(place, out var next))
        {
            throw new FormatException($"$ref leads to {Quote(place)}, where no schema is");
        }

        if (!path.Add(place))
        {
            throw new FormatException($"the schema at {Quote(place)} refers to itself without end");
        }

        foreach (var other in next)
        {
            FindLoop(other, path);
        }

        path.Remove(place);
        _finished.Add(place);
    }

    private static void Require(bool isFine, string place, string keyword, string rule)
    {
        if (!isFine)
        {
            throw Defect(place, keyword, rule);
        }
    }

    private static FormatException Defect(string place, string keyword, string rule) =>
        new(keyword.Length == 0 ? $"the schema at {Quote(place)} {rule}" : $"{keyword} at {Quote(place)} {rule}");

    /// <summary>A place for people, in one line.</summary>
    private static string Quote(string place)
    {
        var line = string.Concat(place.Select(letter => char.IsControl(letter) ? '?' : letter));
        return line.Length == 0 ? "the root" : line.Length > MaxQuoted ? $"{line[..MaxQuoted]}…" : line;
    }

    private static string Escape(string name) =>
        name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);
}
