using TicketApp.Messaging;

namespace TicketApp.Tests.Messaging.Unit;

/// <summary>Which JSON Schemas workers may announce.</summary>
public sealed class InputSchemaTests
{
    [Theory]
    [InlineData("true", "it is not an object")]
    [InlineData("", "it is not JSON, is nested deeper than 48, or has a name twice in an object")]
    [InlineData("""{"type":"string","type":"object"}""", "it is not JSON, is nested deeper than 48, or has a name twice in an object")]
    [InlineData("""{"enum":["\ud800"],"pattern":"\ud800"}""", "it has an escape that is half a character")]
    [InlineData(
        """{"$schema":"http://json-schema.org/draft-07/schema#"}""",
        "$schema at the root must be https://json-schema.org/draft/2020-12/schema, at the root")]
    [InlineData(
        """{"type":"strin"}""", "type at the root must be one or several of array, boolean, integer, null, number, object, string")]
    [InlineData("""{"items":[{}]}""", "the schema at /items is neither an object nor true or false")]
    [InlineData("""{"allOf":[]}""", "allOf at the root must be an array of schemas")]
    [InlineData("""{"properties":{"a/b":{"enum":[]}}}""", "enum at /properties/a~1b must be an array of values")]
    [InlineData("""{"properties":[]}""", "properties at the root must be an object of schemas")]
    [InlineData("""{"required":"a"}""", "required at the root must be an array of names")]
    [InlineData("""{"dependentRequired":{"a":[1]}}""", "dependentRequired at the root must be an object of arrays of names")]
    [InlineData("""{"minimum":"1"}""", "minimum at the root must be a number")]
    [InlineData("""{"maximum":1e400}""", "maximum at the root must be a number")]
    [InlineData("""{"exclusiveMinimum":true}""", "exclusiveMinimum at the root must be a number")]
    [InlineData("""{"multipleOf":0}""", "multipleOf at the root must be a number above 0 with at most 28 digits")]
    [InlineData("""{"multipleOf":1e99}""", "multipleOf at the root must be a number above 0 with at most 28 digits")]
    [InlineData("""{"minLength":-1}""", "minLength at the root must be a whole number from 0 to 2147483647")]
    [InlineData("""{"maxItems":1.5}""", "maxItems at the root must be a whole number from 0 to 2147483647")]
    [InlineData("""{"uniqueItems":1}""", "uniqueItems at the root must be true or false")]
    [InlineData("""{"pattern":1}""", "pattern at the root must be a text")]
    [InlineData("""{"pattern":"("}""", "the schema at the root has a pattern that is no regular expression")]
    [InlineData("""{"pattern":")"}""", "the schema at the root has a pattern that is no regular expression")]
    [InlineData("""{"pattern":"\\"}""", "the schema at the root has a pattern that is no regular expression")]
    [InlineData(
        """{"pattern":"^(?=a)"}""", "the schema at the root has a pattern with a look-around, a back-reference, a name or an option")]
    [InlineData(
        """{"pattern":"(a)\\1"}""", "the schema at the root has a pattern with a look-around, a back-reference, a name or an option")]
    [InlineData(
        """{"patternProperties":{"(a{50}){50}":{}}}""",
        "the schema at /patternProperties has a pattern of more than 1000 characters, with what is repeated written out")]
    [InlineData("""{"$ref":"https://example.org/schema"}""", "$ref at the root must stay within the schema, as #/$defs/name")]
    [InlineData("""{"$ref":"other.json#/a"}""", "$ref at the root must stay within the schema, as #/$defs/name")]
    [InlineData("""{"$ref":"#/$defs/none"}""", "$ref leads to /$defs/none, where no schema is")]
    [InlineData("""{"$ref":"#/x","x":{"pattern":"("}}""", "$ref leads to /x, where no schema is")]
    [InlineData("""{"$ref":"#"}""", "the schema at the root refers to itself without end")]
    [InlineData(
        """{"items":{"anyOf":[{"not":{"$ref":"#/$defs/a"}}]},"$defs":{"a":{"if":{"$ref":"#/items"}}}}""",
        "the schema at /items refers to itself without end")]
    [InlineData("""{"$dynamicRef":"#a"}""", "$dynamicRef at the root is not supported")]
    [InlineData("""{"items":{"$id":"https://example.org/"}}""", "$id at /items is not supported")]
    [InlineData("""{"unevaluatedProperties":false}""", "unevaluatedProperties at the root is not supported")]
    public void What_cannot_be_checked_is_refused_in_one_line(string schema, string defect) =>
        Assert.Equal(defect, Assert.Throws<FormatException>(() => InputSchema.Parse(schema)).Message);

    [Fact]
    public void What_is_too_large_is_refused()
    {
        var long1 = $$"""{"description":"{{new string('x', InputSchema.MaxBytes)}}"}""";
        var many = $$"""{"prefixItems":[{{string.Join(',', Enumerable.Repeat("true", 1000))}}]}""";
        var deep = string.Concat(Enumerable.Repeat("""{"items":""", 48)) + "{}" + new string('}', 48);
        var patterns = $$"""{"allOf":[{{string.Join(',', Enumerable.Repeat("""{"pattern":"a"}""", 101))}}]}""";

        Assert.Equal("it has more than 65536 bytes", Defect(long1));
        Assert.Equal("it has more than 1000 schemas", Defect(many));
        Assert.Equal("it has more than 100 patterns", Defect(patterns));
        Assert.StartsWith("it is not JSON, is nested deeper", Defect(deep), StringComparison.Ordinal);
        Assert.Equal("the schema at /properties/?", Defect("""{"properties":{"\n":1}}""")[..27]);

        static string Defect(string schema) => Assert.Throws<FormatException>(() => InputSchema.Parse(schema)).Message;
    }

    [Fact]
    public void White_space_goes_and_all_else_stays_and_changes_its_id()
    {
        var schema = InputSchema.Parse(
            """
            { "$schema": "https://json-schema.org/draft/2020-12/schema#", "$id": "https://example.org/", "title": "T",
              "x-order": 1.50, "type": [ "object", "null" ], "properties": { "\u0061": { "$ref": "#/definitions/d" } },
              "definitions": { "d": true } }
            """);

        Assert.Equal(
            """
            {"$schema":"https://json-schema.org/draft/2020-12/schema#","$id":"https://example.org/","title":"T",
            "x-order":1.50,"type":["object","null"],"properties":{"\u0061":{"$ref":"#/definitions/d"}},
            "definitions":{"d":true}}
            """.ReplaceLineEndings(""),
            schema.Json);
        Assert.Matches("^[0-9a-f]{16}$", schema.Id);
        Assert.Equal(schema.Id, InputSchema.Parse($" {schema.Json} ").Id);
        Assert.NotEqual(schema.Id, InputSchema.Parse(schema.Json.Replace("\"T\"", "\"t\"", StringComparison.Ordinal)).Id);
    }
}
