using System.Text.Encodings.Web;
using System.Text.Json;
using TicketApp.Api.Http;
using TicketApp.Api.InputSchemas;
using TicketApp.Messaging;

namespace TicketApp.Tests.InputSchemas.Unit;

/// <summary>What the check of an input against a model's JSON Schema says, and that it stays within its bounds.</summary>
public sealed class InputCheckTests
{
    private const string TooLarge = """{"input":["is too large to be checked against the model's schema"]}""";

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);
    private static readonly JsonSerializerOptions _readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Theory]
    // Types, and what is a whole number.
    [InlineData("""{"type":"object"}""", "{}", "{}")]
    [InlineData("""{"type":"object"}""", "[]", """{"input":["must be an object"]}""")]
    [InlineData("""{"type":["integer","null"]}""", "1.5", """{"input":["must be an integer or null"]}""")]
    [InlineData(
        """{"items":{"type":"integer"}}""",
        "[1.0,1e2,-0,1e400,1E+2,12345678901234567890123456789,0.10e1,1e-1,1e-400,10.01]",
        """{"input/7":["must be an integer"],"input/8":["must be an integer"],"input/9":["must be an integer"]}""")]
    // Members, each at its place.
    [InlineData(
        """{"required":["a","b/c~d"],"properties":{"n":{"minimum":1}},"additionalProperties":false}""", """{"n":0,"x":1}""",
        """{"input/a":["is required"],"input/b~1c~0d":["is required"],"input/n":["must be at least 1"],"input/x":["is not allowed"]}""")]
    [InlineData("""{"dependentRequired":{"a":["b","c"]}}""", """{"a":1,"b":1}""", """{"input/c":["is required"]}""")]
    [InlineData("""{"dependentRequired":{"a":[""],"b":[],"":["b"]}}""", """{"a":1,"b":1}""", """{"input/":["is required"]}""")]
    [InlineData("""{"propertyNames":{"maxLength":1}}""", """{"a":1,"bc":1}""", """{"input/bc":["has a name that is not allowed"]}""")]
    [InlineData("""{"minProperties":1}""", "{}", """{"input":["must have at least 1 member"]}""")]
    [InlineData("""{"maxProperties":1}""", """{"a":1,"b":1}""", """{"input":["must have at most 1 member"]}""")]
    [InlineData(
        """{"patternProperties":{"^a/b~":{"type":"string"},"^\\d+$":false}}""", """{"a/b~":1,"12":1,"x":1}""",
        """{"input/12":["is not allowed"],"input/a~1b~0":["must be a string"]}""")]
    // Numbers of any size.
    [InlineData("""{"maximum":1}""", "1e400", """{"input":["must be at most 1"]}""")]
    [InlineData("""{"exclusiveMinimum":0}""", "-1e400", """{"input":["must be more than 0"]}""")]
    [InlineData("""{"exclusiveMaximum":0.3}""", "0.3", """{"input":["must be less than 0.3"]}""")]
    [InlineData("""{"minimum":9007199254740993}""", "9007199254740992", """{"input":["must be at least 9007199254740993"]}""")]
    [InlineData("""{"multipleOf":0.1}""", "0.3", "{}")]
    [InlineData("""{"exclusiveMinimum":0}""", "1e-40", "{}")]
    [InlineData("""{"minimum":0}""", "-1e-40", """{"input":["must be at least 0"]}""")]
    [InlineData("""{"minimum":-1.05}""", "-1.1", """{"input":["must be at least -1.05"]}""")]
    [InlineData("""{"minimum":1e2,"maximum":100}""", "100.0", "{}")]
    [InlineData(
        """{"maximum":12345678901234567890123456789012}""", "12345678901234567890123456789013",
        """{"input":["must be at most 12345678901234567890123456789012"]}""")]
    [InlineData(
        """{"items":{"multipleOf":0.01}}""", "[1e29,1e999999999,-0,1e-400,0.005]",
        """{"input/3":["must be a multiple of 0.01"],"input/4":["must be a multiple of 0.01"]}""")]
    [InlineData("""{"multipleOf":3}""", "1e999999999", """{"input":["must be a multiple of 3"]}""")]
    [InlineData("""{"multipleOf":2}""", "3", """{"input":["must be a multiple of 2"]}""")]
    // Values that are the same.
    [InlineData("""{"enum":["a",1,null,{"x":[1],"y":2}]}""", """{"y":2.0,"x":[1e0]}""", "{}")]
    [InlineData("""{"enum":["a",1]}""", "\"1\"", """{"input":["must be one of \"a\", 1"]}""")]
    [InlineData("""{"const":1e400}""", "10e399", "{}")]
    [InlineData("""{"const":[[],[]]}""", "[[[],[]]]", """{"input":["must be [[],[]]"]}""")]
    [InlineData("""{"uniqueItems":true}""", """[1,"1",true,[1],{"a":1}]""", "{}")]
    [InlineData("""{"uniqueItems":true}""", """[{"a":1,"b":2},{"b":2,"a":1.0}]""", """{"input":["must not have an item twice"]}""")]
    [InlineData("""{"uniqueItems":false}""", "[1,1]", "{}")]
    // Items.
    [InlineData("""{"minItems":2}""", "[1]", """{"input":["must have at least 2 items"]}""")]
    [InlineData("""{"maxItems":0}""", "[1]", """{"input":["must have at most 0 items"]}""")]
    [InlineData(
        """{"prefixItems":[{"type":"string"}],"items":{"type":"null"}}""", "[1,2]",
        """{"input/0":["must be a string"],"input/1":["must be null"]}""")]
    [InlineData(
        """{"contains":{"type":"null"}}""", "[1]", """{"input":["has too few or too many items of the kind that it must contain"]}""")]
    [InlineData(
        """{"contains":{"type":"null"},"maxContains":1}""", "[null,null]",
        """{"input":["has too few or too many items of the kind that it must contain"]}""")]
    // Texts: characters are code points.
    [InlineData("""{"minLength":2,"maxLength":2}""", "\"\ud83d\ude00e\\u0301\"", """{"input":["must have at most 2 characters"]}""")]
    [InlineData("""{"maxLength":1}""", "\"\ud83d\ude00\"", "{}")]
    [InlineData("""{"pattern":"^\\d$"}""", "\"\u0663\"", """{"input":["must match the pattern ^\\d$"]}""")]
    [InlineData("""{"pattern":"^[\\w\\W][\\d\\D]\\W\\D$"}""", "\"\u00e4\u0663\u00e4\u0663\"", "{}")]
    [InlineData("""{"pattern":"^[\\W]|\\D$"}""", "\"a1\"", """{"input":["must match the pattern ^[\\W]|\\D$"]}""")]
    [InlineData("""{"pattern":"^[a-z]+$"}""", "\"ab\\n\"", """{"input":["must match the pattern ^[a-z]+$"]}""")]
    [InlineData("""{"pattern":"^[\\w\\-.[]+@(?:a|b{2,3})\\.\\p{Lu}$"}""", "\"x-[.y@bbb.\u00c4\"", "{}")]
    [InlineData("""{"pattern":"b"}""", "\"abc\"", "{}")]
    [InlineData("""{"format":"email"}""", "\"no address\"", "{}")]
    // Alternatives say what each wants.
    [InlineData("""{"anyOf":[{"type":"string"},{"type":"null"}]}""", "1", """{"input":["must be a string, or must be null"]}""")]
    [InlineData(
        """{"oneOf":[{"required":["a"],"properties":{"a":{"type":"null"}}},{"type":"array"}]}""", """{"a":1}""",
        """{"input":["must be null at a, or must be an array"]}""")]
    [InlineData(
        """{"oneOf":[{"minimum":1},{"maximum":2}]}""", "1", """{"input":["fits several alternatives, of which it must fit only one"]}""")]
    [InlineData("""{"not":{"type":"null"}}""", "null", """{"input":["is of a form that is not allowed"]}""")]
    [InlineData("""{"if":{"type":"string"},"then":{"minLength":2},"else":{"minimum":2}}""", "1", """{"input":["must be at least 2"]}""")]
    [InlineData(
        """{"allOf":[{"type":"string"},{"$ref":"#/$defs/a"}],"$defs":{"a":{"enum":["b"]}}}""", "1",
        """{"input":["must be a string","must be \"b\""]}""")]
    // References.
    [InlineData(
        """{"properties":{"next":{"$ref":"#"}},"additionalProperties":false}""", """{"next":{"next":{"x":1}}}""",
        """{"input/next/next/x":["is not allowed"]}""")]
    [InlineData(
        """{"items":{"$ref":"#/definitions/a"},"definitions":{"a":{"$ref":"#/definitions/b"},"b":{"type":"string"}}}""", "[1]",
        """{"input/0":["must be a string"]}""")]
    [InlineData("""{"properties":{"$ref":{"type":"string"},"enum":true}}""", """{"$ref":1}""", """{"input/$ref":["must be a string"]}""")]
    // What no schema says, and what readers take differently.
    [InlineData("{}", """{"a":{"b":1,"b":2}}""", """{"input":["must not have a name twice in an object"]}""")]
    [InlineData("""{"items":{"pattern":"a"}}""", "[\"\\ud800\"]", """{"input":["must not have an escape that is half a character"]}""")]
    [InlineData("{}", "[\"\\ud800\"]", "{}")]
    public void It_says_all_that_is_wrong(string schema, string input, string errors) => Assert.Equal(errors, Check(schema, input));

    [Fact]
    public void A_text_is_a_string()
    {
        FieldErrors errors = new();
        InputCheck check = new(InputSchema.Parse("""{"const":"{\"a\":\"\ud83d\ude00\\u0000\"}"}"""));

        check.Check("{\"a\":\"\ud83d\ude00\\u0000\"}", errors);

        Assert.False(errors.Any);
    }

    [Fact]
    public void An_input_as_deep_as_one_may_be_is_checked()
    {
        var deep = new string('[', Payload.MaxDepth) + new string(']', Payload.MaxDepth);

        Assert.Equal("{}", Check("""{"items":{"$ref":"#"}}""", deep));
    }

    [Fact]
    public void Of_many_errors_twenty_are_listed_and_each_is_short()
    {
        var items = JsonDocument.Parse(Check("""{"items":{"type":"string"}}""", $"[{Many("1", 50)}]")).RootElement;
        var place = JsonDocument.Parse(Check("""{"additionalProperties":false}""", $$"""{"{{new string('x', 1000)}}":1}""")).RootElement;
        var text = JsonDocument.Parse(Check($$"""{"enum":[{{Many("\"value\"", 1000)}}]}""", "1")).RootElement;

        Assert.Equal(21, items.EnumerateObject().Count());
        Assert.Equal("has more errors than the first 20, which are listed", items.GetProperty("input")[0].GetString());
        Assert.True(Assert.Single(place.EnumerateObject()).Name.Length < 250);
        Assert.True(text.GetProperty("input")[0].GetString()!.Length < 350);
    }

    [Theory]
    [InlineData("^(a+)+$")]
    [InlineData("^(a|aa)+$")]
    [InlineData("^(([a-z])+.)+[A-Z]([a-z])+$")]
    [InlineData("(.*)*b{1}$")]
    public async Task A_pattern_needs_no_more_than_time_in_proportion_to_its_text(string pattern)
    {
        var text = JsonSerializer.Serialize($"{new string('a', 30_000)}!");
        var schema = JsonSerializer.Serialize(pattern);

        var check = Task.Run(() => (
            Check($$"""{"pattern":{{schema}} }""", text),
            Check($$"""{"patternProperties":{ {{schema}}:false} }""", $$"""{ {{text}}:1}""")));
        var (value, name) = await check.WaitAsync(_limit, TestContext.Current.CancellationToken);

        Assert.Contains("must match the pattern", value, StringComparison.Ordinal);
        Assert.Equal("{}", name);
    }

    [Fact]
    public void What_schemas_and_inputs_multiply_to_is_bounded()
    {
        var doubling = string.Join(',', Enumerable.Range(0, 100).Select(i =>
            $$$"""
            "a{{{i}}}":{"allOf":[{"$ref":"#/$defs/a{{{i + 1}}}"},{"$ref":"#/$defs/a{{{i + 1}}}"}]}
            """));
        var deep = new string('[', 60) + new string(']', 60);
        var names = Many("\"x\"", 5000, i => $"\"k{i}\"");

        Assert.Equal(TooLarge, Check($$"""{"$ref":"#/$defs/a0","$defs":{ {{doubling}},"a100":{} } }""", "1"));
        // As deep as a stack would not be.
        var chain = string.Join(',', Enumerable.Range(0, 900).Select(i =>
            $$"""
            "a{{i}}":{"$ref":"#/$defs/a{{i + 1}}"}
            """));
        Assert.Equal(TooLarge, Check(
            $$$"""{"$ref":"#/$defs/a0","$defs":{ {{{chain}}},"a900":{"items":{"$ref":"#"} } } }""", $"[{Many("1", 16_000)},{deep}]"));
        Assert.Equal(TooLarge, Check("""{"allOf":[{"items":{"$ref":"#"}},{"items":{"$ref":"#"}}]}""", deep));
        Assert.Equal(TooLarge, Check($$$"""{"items":{"allOf":[{{{Many("{}", 900)}}}]}}""", $"[{Many("1", 10_000)}]"));
        Assert.Equal(TooLarge, Check($$$"""{"items":{"required":[{{{names}}}]}}""", $"[{Many("{}", 10_000)}]"));
        Assert.Equal(TooLarge, Check($$"""{"allOf":[{{Many("""{"uniqueItems":true}""", 900)}}]}""", $"[{Many("1", 10_000, i => $"{i}")}]"));
        Assert.Equal(
            TooLarge,
            Check("""{"patternProperties":{"^.{900}$":true}}""", $$"""{ {{Many("", 3000, i => $"\"k{i}\":1")}} }"""));
        Assert.Equal(TooLarge, Check("""{"pattern":".*a.{900}$"}""", $"\"{new string('a', 30_000)}\""));
    }

    [Fact]
    public void A_long_array_of_numbers_is_not_too_large() =>
        Assert.Equal("{}", Check("""{"type":"array","items":{"type":"number"},"uniqueItems":false}""", $"[{Many("1", 16_000)}]"));

    [Fact]
    public void A_thousand_inputs_of_one_request_are_bounded_together_and_cheap_ones_are_all_checked()
    {
        InputCheck costly = new(InputSchema.Parse("""{"allOf":[{"items":{"$ref":"#"}},{"items":{"$ref":"#"}}]}"""));
        InputCheck cheap = new(InputSchema.Parse("""{"type":"object","properties":{"a":{"type":"array","items":{"type":"number"}}}}"""));
        BatchEffort first = new(), second = new();
        var deep = new string('[', 60) + new string(']', 60);

        var refused = Enumerable.Range(0, 1000).Select(_ => Check(costly, deep, first)).ToArray();
        var taken = Enumerable.Range(0, 1000).Select(_ => Check(cheap, $$"""{"a":[{{Many("1", 500)}}]}""", second));

        Assert.InRange(refused.Count(result => result == TooLarge), 50, 200);
        Assert.All(refused[200..], result => Assert.Contains("is one of too many in this request", result, StringComparison.Ordinal));
        Assert.All(taken, result => Assert.Equal("{}", result));
    }

    private static string Check(string schema, string input) => Check(new InputCheck(InputSchema.Parse(schema)), input, null);

    private static string Check(InputCheck check, string input, BatchEffort? batch)
    {
        FieldErrors errors = new();
        check.Check(new(input, IsJson: true), errors, batch);
        return JsonSerializer.Serialize(
            errors.Any ? errors.ToProblem().Errors : new Dictionary<string, string[]>(),
            _readable);
    }

    private static string Many(string item, int count, Func<int, string>? name = null) =>
        string.Join(',', Enumerable.Range(0, count).Select(name ?? (_ => item)));
}
