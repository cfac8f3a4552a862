using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using Json.Schema;
using Json.Schema.Keywords;
using TicketApp.Messaging;

namespace TicketApp.Api.InputSchemas;

/// <summary>What is wrong with a value by one keyword, in words that follow its name; null if nothing is.</summary>
internal delegate string? Assertion(JsonElement value, Effort effort);

/// <summary>
/// The keywords that say something of one value. They are not the library's: these take time in proportion to the value, know numbers of
/// any size, count characters as the specification does, and speak to callers.
/// </summary>
internal static class Assertions
{
    /// <summary>Parts the names in an error of <c>required</c>.</summary>
    public const char Separator = '\0';

    private const int MaxQuoted = 300;

    // A schema that is applied to a value takes as long as some of these.
    private const int Application = 5;
    private const int CharactersPerUnit = 20;
    private const int StepsPerUnit = 10;
    private const int LookUpsPerUnit = 20;
    private const int BytesPerUnit = 64;

    /// <summary>JSON Schema 2020-12, as <see cref="InputSchema"/> lets it through.</summary>
    public static Dialect Dialect { get; } = new(
    [
        RefKeyword.Instance, DefsKeyword.Instance, AllOfKeyword.Instance, AnyOfKeyword.Instance, OneOfKeyword.Instance, NotKeyword.Instance,
        IfKeyword.Instance, ThenKeyword.Instance, ElseKeyword.Instance,
        PropertiesKeyword.Instance, PatternPropertiesKeyword.Instance, new PatternProperties(), AdditionalPropertiesKeyword.Instance,
        PropertyNamesKeyword.Instance, PrefixItemsKeyword.Instance, new PlacedItems(),
        ContainsKeyword.Instance, MinContainsKeyword.Instance, MaxContainsKeyword.Instance,
        new Keyword(SchemaReader.Visit, Visit),
        new Keyword("type", Type),
        new Keyword("enum", values => OneOf(values.EnumerateArray())),
        new Keyword("const", value => OneOf([value])),
        new Keyword("uniqueItems", UniqueItems),
        new Keyword("minimum", limit => Compare(limit, "must be at least", order => order >= 0)),
        new Keyword("maximum", limit => Compare(limit, "must be at most", order => order <= 0)),
        new Keyword("exclusiveMinimum", limit => Compare(limit, "must be more than", order => order > 0)),
        new Keyword("exclusiveMaximum", limit => Compare(limit, "must be less than", order => order < 0)),
        new Keyword("multipleOf", MultipleOf),
        new Keyword("minLength", limit => Count(limit, isMin: true, "character", JsonValueKind.String, Characters)),
        new Keyword("maxLength", limit => Count(limit, isMin: false, "character", JsonValueKind.String, Characters)),
        new Keyword("minItems", limit => Count(limit, isMin: true, "item", JsonValueKind.Array, Items)),
        new Keyword("maxItems", limit => Count(limit, isMin: false, "item", JsonValueKind.Array, Items)),
        new Keyword("minProperties", limit => Count(limit, isMin: true, "member", JsonValueKind.Object, Members)),
        new Keyword("maxProperties", limit => Count(limit, isMin: false, "member", JsonValueKind.Object, Members)),
        new Keyword("pattern", Pattern),
        new Keyword("required", names => Required(null, names)),
        new Keyword("dependentRequired", DependentRequired),
    ])
    {
        AllowUnknownKeywords = true,
    };

    private static long Length(JsonElement value) => JsonMarshal.GetRawUtf8Value(value).Length;

    private static string Cut(string text) => text.Length > MaxQuoted ? $"{text[..MaxQuoted]}…" : text;

    /// <summary>Comes first in each schema.</summary>
    private static Assertion Visit(JsonElement weight)
    {
        var units = weight.ValueKind == JsonValueKind.Number ? weight.GetInt32() : 1;
        return (value, effort) =>
        {
            // Names are looked up among all members, and several keywords look at each member or item.
            var members = value.ValueKind == JsonValueKind.Object ? value.GetPropertyCount() : 0;
            effort.Spend(Application + (units * (1L + (members / LookUpsPerUnit))) + (Length(value) / BytesPerUnit));
            return weight.ValueKind == JsonValueKind.False ? "is not allowed" : null;
        };
    }

    private static Assertion Type(JsonElement type)
    {
        JsonElement[] types = type.ValueKind == JsonValueKind.String ? [type] : [.. type.EnumerateArray()];
        var names = Array.ConvertAll(types, name => name.GetString()!);
        var words = $"must be {string.Join(" or ", names.Select(name =>
            name == "null" ? name : $"{(name[0] is 'a' or 'i' or 'o' ? "an" : "a")} {name}"))}";
        return (value, _) => Array.Exists(names, name => IsOfType(value, name)) ? null : words;
    }

    private static bool IsOfType(JsonElement value, string type) => value.ValueKind switch
    {
        JsonValueKind.Object => type == "object",
        JsonValueKind.Array => type == "array",
        JsonValueKind.String => type == "string",
        JsonValueKind.True or JsonValueKind.False => type == "boolean",
        JsonValueKind.Null => type == "null",
        _ => type == "number" || (type == "integer" && JsonEquality.IsInteger(value)),
    };

    private static Assertion OneOf(IEnumerable<JsonElement> values)
    {
        JsonElement[] all = [.. values];
        var known = all.Select(JsonEquality.Canonical).ToHashSet(StringComparer.Ordinal);
        var words = Cut($"must be {(all.Length == 1 ? "" : "one of ")}{string.Join(", ", all.Select(value => value.GetRawText()))}");
        return (value, effort) =>
        {
            effort.Spend(Length(value) / CharactersPerUnit);
            return known.Contains(JsonEquality.Canonical(value)) ? null : words;
        };
    }

    private static Assertion UniqueItems(JsonElement isOn) => (value, effort) =>
    {
        if (value.ValueKind != JsonValueKind.Array || isOn.ValueKind == JsonValueKind.False)
        {
            return null;
        }

        effort.Spend(Length(value) / CharactersPerUnit);
        HashSet<string> seen = new(StringComparer.Ordinal);
        return value.EnumerateArray().All(item => seen.Add(JsonEquality.Canonical(item))) ? null : "must not have an item twice";
    };

    private static Assertion Compare(JsonElement limit, string words, Func<int, bool> isFine) => (value, _) =>
        value.ValueKind != JsonValueKind.Number || isFine(JsonEquality.Compare(value, limit)) ? null : $"{words} {limit.GetRawText()}";

    private static Assertion MultipleOf(JsonElement divisor) => (value, effort) =>
    {
        if (value.ValueKind != JsonValueKind.Number)
        {
            return null;
        }

        effort.Spend(Length(value) / CharactersPerUnit);
        return JsonEquality.IsMultiple(value, divisor) ? null : $"must be a multiple of {divisor.GetRawText()}";
    };

    private static int Items(JsonElement array) => array.GetArrayLength();

    private static int Members(JsonElement value) => value.GetPropertyCount();

    private static int Characters(JsonElement text)
    {
        var utf16 = text.GetString()!;
        return utf16.Length - utf16.Count(char.IsHighSurrogate);
    }

    private static Assertion Count(JsonElement limit, bool isMin, string unit, JsonValueKind kind, Func<JsonElement, int> count)
    {
        var number = limit.GetInt32();
        var words = string.Create(
            CultureInfo.InvariantCulture, $"must have at {(isMin ? "least" : "most")} {number} {unit}{(number == 1 ? "" : "s")}");
        return (value, _) => value.ValueKind != kind || (isMin ? count(value) >= number : count(value) <= number) ? null : words;
    }

    private static Assertion Pattern(JsonElement pattern)
    {
        var text = pattern.GetString()!;
        SchemaPattern bounded = new(text);
        var words = Cut($"must match the pattern {text}");
        return (value, effort) =>
        {
            if (value.ValueKind != JsonValueKind.String)
            {
                return null;
            }

            effort.Spend(Length(value) * bounded.Size / StepsPerUnit);
            return bounded.Regex.IsMatch(value.GetString()!) ? null : words;
        };
    }

    private static Assertion Required(string? trigger, JsonElement names)
    {
        string[] all = [.. names.EnumerateArray().Select(name => name.GetString()!)];
        return (value, _) =>
        {
            if (value.ValueKind != JsonValueKind.Object || (trigger is not null && !value.TryGetProperty(trigger, out var _)))
            {
                return null;
            }

            var missing = string.Join(Separator, all.Where(name => !value.TryGetProperty(name, out var _)));
            return missing.Length == 0 && all.All(name => name.Length > 0 || value.TryGetProperty(name, out var _)) ? null : missing;
        };
    }

    private static Assertion DependentRequired(JsonElement triggers)
    {
        Assertion[] all = [.. triggers.EnumerateObject().Select(trigger => Required(trigger.Name, trigger.Value))];
        return (value, effort) =>
        {
            // A name may be empty, and so may be what is missing.
            string[] missing = [.. all.Select(names => names(value, effort)).OfType<string>().Distinct()];
            return missing.Length == 0 ? null : string.Join(Separator, missing);
        };
    }

    /// <summary>A keyword as the library knows one.</summary>
    private sealed class Keyword(string name, Func<JsonElement, Assertion> read) : IKeywordHandler
    {
        public string Name => name;

        public object? ValidateKeywordValue(JsonElement value) => read(value.Clone());

        public void BuildSubschemas(KeywordData keyword, BuildContext context)
        {
        }

        public KeywordEvaluation Evaluate(KeywordData keyword, EvaluationContext context)
        {
            var error = ((Assertion)keyword.Value!)(context.Instance, (Effort)context.Options);
            return new() { Keyword = name, IsValid = error is null, Error = error };
        }
    }

    /// <summary>The library's, with the right places of the items behind those of <c>prefixItems</c>.</summary>
    private sealed class PlacedItems : ItemsKeyword
    {
        public override KeywordEvaluation Evaluate(KeywordData keyword, EvaluationContext context)
        {
            if (context.Instance.ValueKind != JsonValueKind.Array)
            {
                return KeywordEvaluation.Ignore;
            }

            var (path, place, before) = (context.EvaluationPath.Combine(Name), context.InstanceLocation, keyword.Value as int? ?? 0);
            List<EvaluationResults> details = [];
            foreach (var (index, item) in context.Instance.EnumerateArray().Index().Skip(before))
            {
                details.Add(keyword.Subschemas[0].Evaluate(
                    context with { Instance = item, InstanceLocation = place.Combine(index), EvaluationPath = path }));
                if (context.CanOptimize && !details[^1].IsValid)
                {
                    break;
                }
            }

            return new() { Keyword = Name, IsValid = details.TrueForAll(detail => detail.IsValid), Details = [.. details] };
        }
    }

    /// <summary>The library's, with patterns that need no backtracking.</summary>
    private sealed class PatternProperties : PatternPropertiesKeyword
    {
        public override object? ValidateKeywordValue(JsonElement value)
        {
            Patterns patterns = new();
            foreach (var schema in value.EnumerateObject())
            {
                patterns.Add(schema.Name);
            }

            return patterns;
        }

        public override KeywordEvaluation Evaluate(KeywordData keyword, EvaluationContext context)
        {
            if (context.Instance.ValueKind == JsonValueKind.Object)
            {
                var steps = context.Instance.EnumerateObject().Sum(member => (long)StepsPerUnit + member.Name.Length);
                ((Effort)context.Options).Spend(steps * ((Patterns)keyword.Value!).Size / StepsPerUnit);
            }

            return base.Evaluate(keyword, context);
        }

        /// <summary>By their names in a pointer, as the library looks them up.</summary>
        private sealed class Patterns : Dictionary<string, Regex>
        {
            public int Size { get; private set; }

            public void Add(string name)
            {
                SchemaPattern pattern = new(name);
                this[InputErrors.Escape(name)] = pattern.Regex;
                Size += pattern.Size;
            }
        }
    }
}
