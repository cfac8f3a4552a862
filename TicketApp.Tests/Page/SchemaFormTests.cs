using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Playwright;
using TicketApp.Tests.Fixtures;
using static Microsoft.Playwright.Assertions;

namespace TicketApp.Tests.Page;

/// <summary>The form that the page makes of a model's JSON Schema.</summary>
[Collection(PageCollection.Name)]
public sealed class SchemaFormTests(AppFixture app, BrowserFixture browser) : IAsyncLifetime
{
    private const string Describe =
        """
        async (schema) => {
            const { fieldsOf } = await import("/js/json-schema.js");
            const fields = fieldsOf(JSON.parse(schema), true);
            const shape = ({ kind, pointer, isRequired, isLong }) =>
                `${kind === "text" && isLong ? "lines" : kind}${pointer}${isRequired ? "!" : ""}`;
            return fields === null ? "any text" : fields.map(shape).join(" ");
        }
        """;

    private TicketPage _page = null!;
    private MadeUpService _service = null!;

    private ILocator Group => _page.Page.GetByRole(AriaRole.Group, new() { Name = "Picture" });

    private IEnumerable<string> Asked(string start) =>
        _service.Requests.Select(asked => asked.Request).Where(request => request.StartsWith(start, StringComparison.Ordinal));

    public async ValueTask InitializeAsync()
    {
        _page = await TicketPage.CreateAsync(app.Api.BaseAddress!, browser);
        _service = await MadeUpService.InstallAsync(_page.Page);
        await _page.GotoAsync(MadeUpService.User);
        await Expect(_page.Model).ToHaveValueAsync("simulated");
    }

    // The list is the made-up service's, which may be asked for again at any time and has nothing new.
    private Task SubmittedAsync() => Eventually.IsTrueAsync(
        "It is submitted", TimeSpan.FromSeconds(30), () => Asked("POST /v1/tickets").Any());

    public ValueTask DisposeAsync() => _page?.DisposeAsync() ?? ValueTask.CompletedTask;

    [Fact]
    public async Task What_is_filled_in_is_sent_as_the_schema_has_it_and_what_is_left_out_is_not()
    {
        _service.Answer("POST /v1/tickets", MadeUpService.Ticket(1, "queued").ToJsonString(), 201);
        await _page.Model.SelectOptionAsync("painter");
        await Expect(Group.GetByLabel("avoid")).ToHaveValueAsync("blur");
        await Expect(Group.GetByLabel("Prompt")).ToHaveAttributeAsync("required", "");
        await Expect(Group.GetByText("More is slower. At least 1, at most 50.")).ToBeVisibleAsync();
        await Expect(_page.Text).ToBeHiddenAsync();

        await Group.GetByLabel("Prompt").FillAsync("a \"cat\"\nand a dog");
        await Group.GetByLabel("style").SelectOptionAsync("3");
        // More digits than a number of JavaScript has.
        await Group.GetByLabel("seed").FillAsync("12345678901234567890");
        await Group.GetByLabel("strength").FillAsync(".5");
        await Group.GetByLabel("safe").UncheckAsync();
        await Group.GetByLabel("tiled").SelectOptionAsync("false");
        await Group.GetByLabel("camera").FillAsync("""{ "angle": 1.50 }""");
        await Group.GetByLabel("avoid").FillAsync("");
        await _page.Button("Submit ticket").ClickAsync();
        await SubmittedAsync();

        var (_, body) = Assert.Single(_service.Requests, asked => asked.Request == "POST /v1/tickets");
        Assert.Equal(
            """
            {"prompt":"a \"cat\"\nand a dog","style":3,"steps":20,"strength":0.5,"seed":12345678901234567890,"safe":false,"tiled":false,
            "sizes":[512,512],"camera":{ "angle": 1.50 }}
            """.ReplaceLineEndings(""),
            JsonDocument.Parse(body!).RootElement.GetProperty("input").GetRawText());
        Assert.Equal("painter", (string?)JsonNode.Parse(body!)!["model"]);
        Assert.Equal(
            ["GET /v1/models/simulated", "GET /v1/models/painter"],
            Asked("GET /v1/models/"));
    }

    [Fact]
    public async Task Errors_are_at_their_fields_and_the_first_of_them_has_the_focus()
    {
        await _page.Model.SelectOptionAsync("painter");
        await Group.GetByLabel("style").SelectOptionAsync("ink");
        await Group.GetByLabel("seed").FillAsync("0.5");
        await Group.GetByLabel("steps").FillAsync("51");
        await Group.GetByLabel("sizes").FillAsync("[512,");
        await _page.Button("Submit ticket").ClickAsync();

        var prompt = Group.GetByLabel("Prompt");
        await Expect(prompt).ToBeFocusedAsync();
        await Expect(prompt).ToHaveAccessibleDescriptionAsync("required What is to be seen. Is required.");
        await Expect(Group.GetByLabel("seed")).ToHaveAccessibleDescriptionAsync("required Must be a whole number.");
        await Expect(Group.GetByLabel("steps")).ToHaveAccessibleDescriptionAsync(
            "optional More is slower. At least 1, at most 50. Must be at most 50.");
        await Expect(Group.GetByLabel("sizes")).ToHaveAccessibleDescriptionAsync("optional A list, as JSON. Is not valid JSON.");
        await Expect(Group.GetByLabel("style")).ToHaveAttributeAsync("aria-invalid", "false");
        Assert.DoesNotContain(_service.Requests, asked => asked.Request == "POST /v1/tickets");

        _service.AnswerProblem(
            "POST /v1/tickets", 400, "invalid-request",
            """
            { "input/sizes/1": ["must be even"], "input/image~1url": ["must be a URL", "is too short"], "input": ["is too large"],
              "input/x": ["is not allowed"] }
            """);
        await prompt.FillAsync("a cat");
        await Expect(prompt).ToHaveAttributeAsync("aria-invalid", "false");
        await Group.GetByLabel("seed").FillAsync("1");
        await Group.GetByLabel("steps").FillAsync("50");
        await Group.GetByLabel("sizes").FillAsync("[512, 511]");
        await _page.Button("Submit ticket").ClickAsync();

        await Expect(Group.GetByLabel("sizes")).ToBeFocusedAsync();
        await Expect(Group.GetByLabel("sizes")).ToHaveAccessibleDescriptionAsync("optional A list, as JSON. “1” must be even.");
        await Expect(Group.GetByLabel("image/url")).ToHaveAccessibleDescriptionAsync("optional Must be a URL. Is too short.");
        await Expect(_page.Page.Locator("#form-error")).ToHaveTextAsync("The input is too large. x is not allowed.");
        await Expect(prompt).ToHaveValueAsync("a cat");
    }

    [Fact]
    public async Task What_must_be_there_and_may_be_null_is_null_when_left_empty()
    {
        _service.Answer("POST /v1/tickets", MadeUpService.Ticket(1, "queued").ToJsonString(), 201);
        _service.SetSchema(
            "painter",
            """
            { "title": "Picture", "required": ["a", "b", "c"], "properties": {
              "a": { "anyOf": [{ "type": "string" }, { "type": "null" }] }, "b": { "type": ["boolean", "null"] },
              "c": { "type": "null" } } }
            """);
        await _page.Model.SelectOptionAsync("painter");
        await Expect(Group.GetByLabel("a")).ToHaveAccessibleDescriptionAsync("optional");
        await _page.Button("Submit ticket").ClickAsync();
        await SubmittedAsync();

        var (_, body) = Assert.Single(_service.Requests, asked => asked.Request == "POST /v1/tickets");
        Assert.Equal("""{"a":null,"b":null,"c":null}""", JsonDocument.Parse(body!).RootElement.GetProperty("input").GetRawText());
    }

    [Fact]
    public async Task Any_schema_has_a_form_and_what_is_not_understood_is_asked_for_as_JSON()
    {
        var many = string.Join(", ", Enumerable.Range(0, 51).Select(i => $$""" "p{{i}}": { "type": "string" } """));
        foreach (var (schema, form) in ((string, string)[])
        [
            ("""{ "type": "string" }""", "any text"),
            ("""{ "type": ["string", "null"], "maxLength": 9 }""", "any text"),
            ("""{ "type": "string", "enum": ["a", "b"] }""", "choice!"),
            ("""{ "type": "string", "format": "date" }""", "text!"),
            ("""{ "const": 7 }""", "choice!"),
            ("""{ "type": "boolean" }""", "switch!"),
            ("""{ "type": "integer" }""", "number!"),
            ("{}", "json!"),
            ("true", "json!"),
            ("false", "json!"),
            ("[]", "json!"),
            ("\"no schema\"", "json!"),
            ("""{ "type": "array", "items": { "type": "string" } }""", "json!"),
            ("""{ "type": ["string", "number"] }""", "json!"),
            ("""{ "type": "object" }""", "json!"),
            ("""{ "type": "object", "required": ["b"], "properties": { "a": {} } }""", "json!"),
            ("""{ "properties": { "a": {} }, "anyOf": [{ "properties": { "b": {} } }, {}] }""", "json!"),
            ($$"""{ "properties": { {{many}} } }""", "json!"),
            ("""{ "$ref": "https://example.org/schema" }""", "json!"),
            ("""{ "$ref": "#" }""", "json!"),
            ("""{ "$ref": "#/$defs/a", "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "$ref": "#/$defs/a" } } }""", "json!"),
            ("""{ "$ref": "#/$defs/a", "$defs": { "a": { "allOf": [{ "$ref": "#/$defs/a" }] } } }""", "json!"),
            ("""{ "$ref": "#/$defs/x~1y", "$defs": { "x/y": { "type": "number" } } }""", "number!"),
            ("""{ "$ref": "#/constructor/prototype" }""", "json!"),
            ("""{ "properties": { "a": null, "b": { "type": "toString", "format": "constructor" }, "c": 1 } }""", "json/a json/b json/c"),
            ("""{ "properties": { "__proto__": { "type": "string", "maxLength": 1 } }, "required": ["__proto__"] }""", "text/__proto__!"),
            ("""{ "properties": { "a/b~c": { "type": "string" } }, "required": "a/b~c" }""", "lines/a~1b~0c"),
            ("""{ "properties": { "z": { "x-order": 0 }, "a": { "x-order": 1, "type": "number" } } }""", "json/z number/a"),
            ("""{ "properties": { "a": { "x-order": { "toString": 1 } }, "b": { "x-order": 12345678901234567890 } } }""", "json/a json/b"),
            ("""{ "properties": { "a": { "type": "boolean", "default": true } } }""", "switch/a"),
            ("""{ "properties": { "a": { "type": "boolean" }, "b": { "oneOf": [{ "type": "null" }, { "type": "integer" }] } } }""",
                "choice/a number/b"),
        ])
        {
            Assert.Equal((schema, form), (schema, await _page.Page.EvaluateAsync<string>(Describe, schema)));
        }
    }

    [Fact]
    public async Task A_strangers_schema_is_shown_as_text_and_cut_off()
    {
        const string Script = "<img src=x onerror=document.title=1>";
        JsonObject schema = new()
        {
            ["title"] = Script,
            ["description"] = Script,
            ["properties"] = new JsonObject
            {
                [Script] = new JsonObject { ["enum"] = new JsonArray(Script), ["description"] = new string('w', 60_000) },
                [""] = new JsonObject { ["title"] = new string('w', 60_000), ["default"] = 7 },
            },
        };
        _service.SetSchema("painter", schema.ToJsonString());

        await _page.Model.SelectOptionAsync("painter");

        var group = _page.Page.GetByRole(AriaRole.Group, new() { Name = Script });
        await Expect(group.GetByLabel(Script)).ToBeVisibleAsync();
        await Expect(group.Locator("img")).ToHaveCountAsync(0);
        Assert.InRange((await group.InnerTextAsync()).Length, 700, 1_500);
        _page.AssertNoComplaints();
    }

    [Fact]
    public async Task A_text_is_sent_as_JSON_where_that_is_chosen()
    {
        _service.Answer("POST /v1/tickets", MadeUpService.Ticket(1, "queued").ToJsonString(), 201);
        await _page.Page.GetByText("More", new() { Exact = true }).ClickAsync();
        await _page.Page.GetByLabel("Send the text as").SelectOptionAsync("JSON");
        await _page.SubmitAsync("""{ "seed": 1""");
        await Expect(_page.Page.Locator("#form-error")).ToHaveTextAsync("Text is not valid JSON.");
        await Expect(_page.Text).ToBeFocusedAsync();

        await _page.SubmitAsync("""{ "seed": 1.0 }""");
        await Expect(_page.Text).ToHaveValueAsync("");
        var (_, body) = Assert.Single(_service.Requests, asked => asked.Request == "POST /v1/tickets");
        Assert.EndsWith(""","input":{ "seed": 1.0 }}""", body, StringComparison.Ordinal);
    }
}
