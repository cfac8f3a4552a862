using System.IO.Compression;
using System.Text;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Facades;

/// <summary>Requests that OpenAI's API would refuse too, and those that ask for more than a chat model can do.</summary>
[Collection(AppCollection.Name)]
public sealed class OpenAiRequestTests(AppFixture app)
{
    private const string Responses = "/responses";
    private const string Completions = "/chat/completions";
    private const string User = """{"role":"user","content":"x"}""";

    private static string Long { get; } = new('x', 600);

    [Theory]
    [InlineData("""{"input":"x"}""", "model", "missing_required_parameter")]
    [InlineData("""{"model":null,"input":"x"}""", "model", "missing_required_parameter")]
    [InlineData("""{"model":1,"input":"x"}""", "model", "invalid_type")]
    [InlineData("""{"model":"none","input":"x"}""", "model", "model_not_found", 404)]
    [InlineData("""{"model":"simulated","input":"x"}""", "model", "model_not_found", 404)]
    [InlineData("""{"model":"m"}""", "input", "missing_required_parameter")]
    [InlineData("""{"model":"m","input":1}""", "input", "invalid_type")]
    [InlineData("""{"model":"m","input":[]}""", "input", "invalid_type")]
    [InlineData("""{"model":"m","input":["x"]}""", "input[0]", "invalid_type")]
    [InlineData("""{"model":"m","input":[{"role":"user"}]}""", "input[0].content", "missing_required_parameter")]
    [InlineData("""{"model":"m","input":[{"content":"x"}]}""", "input[0].role", "missing_required_parameter")]
    [InlineData("""{"model":"m","input":[{"role":"tool","content":"x"}]}""", "input[0].role", "invalid_value")]
    [InlineData("""{"model":"m","input":[{"role":"user","content":"x","x":1}]}""", "input[0].x", "unknown_parameter")]
    [InlineData(
        """{"model":"m","input":[{"type":"function_call_output","call_id":"c","output":"x"}]}""",
        "input[0].type", "unsupported_value")]
    [InlineData("""{"model":"m","input":[{"type":"item_reference","id":"x"}]}""", "input[0].type", "unsupported_value")]
    [InlineData("""{"model":"m","input":[{"role":"user","content":[]}]}""", "input[0].content", "invalid_type")]
    [InlineData(
        """{"model":"m","input":[{"role":"user","content":[{"type":"input_file"}]}]}""",
        "input[0].content[0].type", "unsupported_value")]
    [InlineData(
        """{"model":"m","input":[{"role":"user","content":[{"type":"input_text"}]}]}""",
        "input[0].content[0].text", "missing_required_parameter")]
    [InlineData(
        """{"model":"m","input":[{"role":"user","content":[{"type":"input_image","file_id":"f"}]}]}""",
        "input[0].content[0].file_id", "unsupported_parameter")]
    [InlineData("""{"model":"m","input":"x","x":1}""", "x", "unknown_parameter")]
    [InlineData("""{"model":"m","input":"x","background":"yes"}""", "background", "invalid_type")]
    [InlineData("""{"model":"m","input":"x","background":true,"store":false}""", "store", "unsupported_value")]
    [InlineData("""{"model":"m","input":"x","temperature":2.1}""", "temperature", "invalid_value")]
    [InlineData("""{"model":"m","input":"x","temperature":"hot"}""", "temperature", "invalid_type")]
    [InlineData("""{"model":"m","input":"x","top_p":1e400}""", "top_p", "invalid_value")]
    [InlineData("""{"model":"m","input":"x","max_output_tokens":0}""", "max_output_tokens", "invalid_value")]
    [InlineData("""{"model":"m","input":"x","max_output_tokens":1.5}""", "max_output_tokens", "invalid_value")]
    [InlineData("""{"model":"m","input":"x","metadata":[]}""", "metadata", "invalid_type")]
    [InlineData("""{"model":"m","input":"x","metadata":{"a":1}}""", "metadata", "invalid_value")]
    [InlineData("""{"model":"m","input":"x","tools":[{"type":"web_search"}]}""", "tools", "unsupported_value")]
    [InlineData("""{"model":"m","input":"x","tool_choice":"required"}""", "tool_choice", "unsupported_value")]
    [InlineData("""{"model":"m","input":"x","truncation":"auto"}""", "truncation", "unsupported_value")]
    [InlineData("""{"model":"m","input":"x","conversation":"conv_1"}""", "conversation", "unsupported_parameter")]
    [InlineData("""{"model":"m","input":"x","include":["message.output_text.logprobs"]}""", "include", "unsupported_value")]
    [InlineData("""{"model":"m","input":"x","reasoning":{"summary":"auto"}}""", "reasoning.summary", "unsupported_parameter")]
    [InlineData("""{"model":"m","input":"x","reasoning":{"effort":"a lot"}}""", "reasoning.effort", "invalid_value")]
    [InlineData("""{"model":"m","input":"x","text":{"verbosity":"low"}}""", "text.verbosity", "unsupported_value")]
    [InlineData("""{"model":"m","input":"x","text":{"format":{"type":"xml"}}}""", "text.format.type", "invalid_value")]
    [InlineData("""{"model":"m","input":"x","text":{"format":{}}}""", "text.format.type", "missing_required_parameter")]
    [InlineData(
        """{"model":"m","input":"x","text":{"format":{"type":"json_schema","name":"n"}}}""",
        "text.format.schema", "missing_required_parameter")]
    [InlineData("""{"model":"m","input":"x","service_tier":"best"}""", "service_tier", "invalid_value")]
    [InlineData("""{"model":"m","input":"x","previous_response_id":"x"}""", "previous_response_id", "previous_response_not_found")]
    public async Task A_response_that_cannot_be_made_names_the_parameter(string body, string param, string code, int status = 400)
    {
        var answer = await (await CallAsync()).PostAsync(Responses, body);

        OpenAiClient.AssertError(answer, status, code, param);
    }

    [Theory]
    [InlineData("""{"messages":[]}""", "model", "missing_required_parameter")]
    [InlineData("""{"model":"m"}""", "messages", "missing_required_parameter")]
    [InlineData("""{"model":"m","messages":"x"}""", "messages", "invalid_type")]
    [InlineData("""{"model":"m","messages":[]}""", "messages", "invalid_value")]
    [InlineData("""{"model":"m","messages":[null]}""", "messages[0]", "invalid_type")]
    [InlineData("""{"model":"m","messages":[{"role":"tool","content":"x"}]}""", "messages[0].role", "invalid_value")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":null}]}""", "messages[0].content", "missing_required_parameter")]
    [InlineData(
        """{"model":"m","messages":[{"role":"user","content":[{"type":"input_audio"}]}]}""",
        "messages[0].content[0].type", "invalid_value")]
    [InlineData(
        """{"model":"m","messages":[{"role":"user","content":[{"type":"image_url"}]}]}""",
        "messages[0].content[0].image_url", "missing_required_parameter")]
    [InlineData(
        """{"model":"m","messages":[{"role":"assistant","content":"x","tool_calls":[{}]}]}""",
        "messages[0].tool_calls", "unsupported_value")]
    [InlineData($$$"""{"model":"none","messages":[{{{User}}}]}""", "model", "model_not_found", 404)]
    [InlineData($$$"""{"model":"m","messages":[{{{User}}}],"n":2}""", "n", "unsupported_value")]
    [InlineData($$$"""{"model":"m","messages":[{{{User}}}],"logprobs":true}""", "logprobs", "unsupported_value")]
    [InlineData($$$"""{"model":"m","messages":[{{{User}}}],"tools":[{}]}""", "tools", "unsupported_value")]
    [InlineData($$$"""{"model":"m","messages":[{{{User}}}],"modalities":["audio"]}""", "modalities", "unsupported_value")]
    [InlineData($$$"""{"model":"m","messages":[{{{User}}}],"web_search_options":{}}""", "web_search_options", "unsupported_parameter")]
    [InlineData($$$"""{"model":"m","messages":[{{{User}}}],"stop":[1]}""", "stop", "invalid_type")]
    [InlineData($$$"""{"model":"m","messages":[{{{User}}}],"max_tokens":-1}""", "max_tokens", "invalid_value")]
    [InlineData(
        $$$"""{"model":"m","messages":[{{{User}}}],"max_tokens":1,"max_completion_tokens":"1"}""",
        "max_completion_tokens", "invalid_type")]
    [InlineData($$$"""{"model":"m","messages":[{{{User}}}],"response_format":{"type":"yaml"}}""", "response_format.type", "invalid_value")]
    [InlineData($$$"""{"model":"m","messages":[{{{User}}}],"stream_options":{"x":1}}""", "stream_options.x", "unknown_parameter")]
    [InlineData($$$"""{"model":"m","messages":[{{{User}}}],"seed":1.5}""", "seed", "invalid_value")]
    public async Task A_completion_that_cannot_be_made_names_the_parameter(string body, string param, string code, int status = 400)
    {
        var answer = await (await CallAsync()).PostAsync(Completions, body);

        OpenAiClient.AssertError(answer, status, code, param);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("""{"model":"m","model":"m"}""")]
    public async Task A_body_that_is_not_JSON_is_refused(string body)
    {
        OpenAiClient.AssertError(await (await CallAsync()).PostAsync(Responses, body), 400, "invalid_request");
    }

    [Theory]
    [InlineData("[]", "invalid_type")]
    [InlineData("\"text\"", "invalid_type")]
    [InlineData("""{"model":"m","input":"\ud800"}""", "invalid_value")]
    [InlineData("""{"model":"m","metadata":{"\udc00":"x"}}""", "invalid_request")]
    public async Task A_body_that_is_no_object_of_texts_is_refused(string body, string code)
    {
        foreach (var path in new[] { Responses, Completions })
        {
            OpenAiClient.AssertError(await (await CallAsync()).PostAsync(path, body), 400, code);
        }
    }

    [Fact]
    public async Task Labels_that_are_too_long_or_too_many_are_refused()
    {
        var many = string.Join(',', Enumerable.Range(0, 17).Select(i => $"\"{i}\":\"\""));
        foreach (var labels in new[] { $"\"{Long}\":\"\"", $"\"a\":\"{Long}\"", many })
        {
            var answer = await (await CallAsync()).PostAsync(Responses, $$$"""{"model":"m","input":"x","metadata":{{{{labels}}}}}""");

            OpenAiClient.AssertError(answer, 400, "invalid_value", "metadata");
        }
    }

    [Fact]
    public async Task What_is_wrong_outside_of_the_fields_has_the_form_of_the_API_too()
    {
        var client = await CallAsync();
        var none = await client.GetAsync("/none");
        OpenAiClient.AssertError(none, 404, "no_such_path");
        Assert.Contains("docs/compatibility.md", none.Body, StringComparison.Ordinal);
        OpenAiClient.AssertError(await client.GetAsync(""), 404, "no_such_path");
        OpenAiClient.AssertError(await client.SendAsync(HttpMethod.Put, Responses), 405, "method_not_allowed");
        OpenAiClient.AssertError(await client.GetAsync("/models/none?x=%00"), 400, "invalid_request");
        OpenAiClient.AssertError(await client.GetAsync("/models/none"), 404, "model_not_found", "model");
        OpenAiClient.AssertError(await client.PostAsync(Responses, new string(' ', 70_000)), 413, "too_large");
        using StringContent text = new("{}", Encoding.UTF8, "text/plain");
        OpenAiClient.AssertError(await client.SendAsync(HttpMethod.Post, Responses, text), 415, "not_json");
        using ByteArrayContent packed = new(Gzip("{}"));
        packed.Headers.ContentType = new("application/json");
        packed.Headers.ContentEncoding.Add("gzip");
        OpenAiClient.AssertError(await client.SendAsync(HttpMethod.Post, Responses, packed), 415, "encoded_body");
        OpenAiClient.AssertError(
            await client.SendAsync(HttpMethod.Get, "/models", null, ("Prefer", new string('x', 300))), 400, "invalid_request");
    }

    [Fact]
    public async Task Only_a_users_id_is_a_key_where_none_is_wanted()
    {
        foreach (var key in new[] { null, "", "sk-key", "not-a-user", Long })
        {
            var answer = await new OpenAiClient(app.Api, key).GetAsync("/models");

            OpenAiClient.AssertError(answer, 401, "invalid_api_key");
            Assert.Contains("id of a user", answer.Body, StringComparison.Ordinal);
            Assert.Equal("Bearer", Assert.Single(answer.Headers.WwwAuthenticate).Scheme);
        }
    }

    [Fact]
    public async Task What_is_no_response_of_the_callers_is_not_found()
    {
        var client = await CallAsync();
        var user = await app.CreateUserAsync();
        // A ticket of the caller's own, which was not made as a response.
        var ticket = await app.CreateTicketAsync(user, "simulated", """{"seconds":0}""");
        var own = new OpenAiClient(app.Api, user);
        string[] ids =
        [
            "x", "resp_", $"resp_{Guid.NewGuid():N}", $"resp_{Guid.NewGuid():D}", $"resp_{Guid.Parse(ticket):N}", ticket, Long, "%20",
            "..%2f",
        ];

        foreach (var id in ids)
        {
            OpenAiClient.AssertError(await own.GetAsync($"/responses/{id}"), 404, null);
            OpenAiClient.AssertError(await own.GetAsync($"/responses/{id}?stream=true&starting_after=x"), 404, null);
            OpenAiClient.AssertError(await own.PostAsync($"/responses/{id}/cancel", null), 404, null);
            OpenAiClient.AssertError(await own.SendAsync(HttpMethod.Delete, $"/responses/{id}"), 404, null);
        }

        OpenAiClient.AssertError(await client.GetAsync($"/responses/resp_{Guid.Parse(ticket):N}"), 404, null);
    }

    /// <summary>Who makes a ticket by another API can give it any input.</summary>
    [Theory]
    [InlineData("\"messages\":[{}],\"response_format\":\"text\"", 200)]
    [InlineData("\"messages\":[{}],\"response_format\":{\"type\":5}", 200)]
    [InlineData("\"messages\":[{}],\"response_format\":{\"type\":\"json_schema\",\"json_schema\":[]}", 200)]
    [InlineData("\"messages\":[0],\"temperature\":{},\"max_completion_tokens\":[[]]", 200)]
    [InlineData("\"messages\":[{\"content\":\"\\ud800\"}]", 404)]
    [InlineData("\"messages\":[{}],\"temperature\":\"\\udfff\"", 404)]
    public async Task A_ticket_whose_input_only_looks_like_that_of_a_response_is_shown_or_not_found(string members, int status)
    {
        var user = await app.CreateUserAsync();
        var ticket = await new ResourceClient(app.Api).PostAsync(
            "/v1/tickets",
            $$$"""
            {"user_id":"{{{user}}}","input":{"seconds":0,"metadata":{"response":{"has_instructions":true,"metadata":0}},{{{members}}}}}
            """,
            ("Prefer", "wait=30"));
        Assert.Equal("succeeded", ticket.TicketStatus);
        var (client, path) = (new OpenAiClient(app.Api, user), $"/responses/resp_{Guid.Parse(ticket.Id):N}");

        foreach (var answer in new[]
        {
            await client.GetAsync(path), await client.GetAsync($"{path}?stream=true"), await client.PostAsync($"{path}/cancel", null),
            await client.SendAsync(HttpMethod.Delete, path),
        })
        {
            Assert.True(status == (int)answer.Status, answer.Body);
        }
    }

    private static byte[] Gzip(string text)
    {
        using MemoryStream packed = new();
        using (GZipStream gzip = new(packed, CompressionMode.Compress))
        {
            gzip.Write(Encoding.UTF8.GetBytes(text));
        }

        return packed.ToArray();
    }

    private async Task<OpenAiClient> CallAsync() => new(app.Api, await app.CreateUserAsync());
}
