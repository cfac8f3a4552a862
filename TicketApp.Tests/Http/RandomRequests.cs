using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;

namespace TicketApp.Tests.Http;

/// <summary>A request that is nearly right, or not at all.</summary>
/// <param name="Caller">Who sends it: the first user, the second one, or someone without a key.</param>
/// <param name="Operation">Method and path as they are described.</param>
/// <param name="Method">The method that is sent.</param>
/// <param name="Path">Path and query. As in headers and body, <c>&lt;own:id:3&gt;</c> stands for an id that the caller has, and
/// <c>&lt;other:id:3&gt;</c> for one that the other user has.</param>
/// <param name="Headers">Header fields.</param>
/// <param name="ContentType">Of the body.</param>
/// <param name="Body">Text, mostly JSON; null: none.</param>
internal sealed record RandomRequest(
    int Caller, string Operation, string Method, string Path, (string Name, string Value)[] Headers, string ContentType, string? Body)
{
    public override string ToString() => $"{Method} {Path} of caller {Caller} ({Operation})\n{string.Join('\n', Headers)}\n{Body}";
}

/// <summary>
/// Makes requests for all that a description (OpenAPI) has, and for what it does not have: the original's paths and those of other APIs.
/// </summary>
internal sealed class RandomRequests(JsonObject description)
{
    private const int MaxDepth = 4;

    private const string Original =
        """
        {
          "/user": { "post": {} },
          "/ticket": {
            "post": { "requestBody": { "content": { "application/json": { "schema": {
              "type": "object", "properties": { "user_id": { "type": "string" } } } } } } },
            "get": { "parameters": [{ "name": "ticket_id", "in": "query" }] }
          }
        }
        """;

    /// <summary>The model that clients of OpenAI can choose.</summary>
    public const string ChatModel = "random-chat";

    private const string Facades =
        """
        {
          "/openai/v1/models": { "get": {} },
          "/openai/v1/models/{model}": { "get": {} },
          "/openai/v1/responses": { "post": {
            "parameters": [{ "name": "Idempotency-Key", "in": "header" }],
            "requestBody": { "content": { "application/json": { "schema": { "type": "object", "properties": {
              "model": { "type": "string" }, "input": { "oneOf": [{ "type": "string" }, { "type": "array", "items": { "type": "object",
                "properties": { "role": { "enum": ["user", "system", "assistant"] }, "content": { "type": "string" } } } }] },
              "instructions": { "type": "string" }, "background": { "type": "boolean" }, "store": { "type": "boolean" },
              "stream": { "type": "boolean" }, "previous_response_id": { "type": "string" }, "temperature": { "type": "number" },
              "max_output_tokens": { "type": "integer" }, "service_tier": { "enum": ["auto", "flex", "priority"] },
              "metadata": { "type": "object", "properties": { "title": { "type": "string" } } } } } } } } } },
          "/openai/v1/responses/{response}": {
            "get": { "parameters": [{ "name": "stream", "in": "query" }, { "name": "starting_after", "in": "query" }] }, "delete": {} },
          "/openai/v1/responses/{response}/cancel": { "post": {} },
          "/openai/v1/chat/completions": { "post": {
            "parameters": [{ "name": "Idempotency-Key", "in": "header" }],
            "requestBody": { "content": { "application/json": { "schema": { "type": "object", "properties": {
              "model": { "type": "string" }, "messages": { "type": "array", "items": { "type": "object",
                "properties": { "role": { "enum": ["user", "system", "assistant"] }, "content": { "type": "string" } } } },
              "stream": { "type": "boolean" }, "n": { "type": "integer" }, "max_tokens": { "type": "integer" },
              "temperature": { "type": "number" }, "stop": { "type": "string" } } } } } } } },
          "/replicate/v1/models": { "get": {} },
          "/replicate/v1/models/{owner}/{model}": { "get": {} },
          "/replicate/v1/models/{owner}/{model}/versions": { "get": {} },
          "/replicate/v1/models/{owner}/{model}/versions/{model}": { "get": {} },
          "/replicate/v1/models/{owner}/{model}/predictions": { "post": {
            "parameters": [{ "name": "Idempotency-Key", "in": "header" }, { "name": "Cancel-After", "in": "header" }],
            "requestBody": { "content": { "application/json": { "schema": { "type": "object", "properties": {
              "input": { "type": "object", "properties": { "input": { "type": "string" } } }, "stream": { "type": "boolean" },
              "webhook": { "type": "string" }, "webhook_events_filter": { "type": "array", "items": { "enum": ["start", "completed"] } }
            } } } } } } },
          "/replicate/v1/predictions": {
            "get": { "parameters": [{ "name": "cursor", "in": "query" }] },
            "post": { "requestBody": { "content": { "application/json": { "schema": { "type": "object", "properties": {
              "version": { "enum": ["anyone/simulated", "simulated"] },
              "input": { "type": "object", "properties": { "input": { "type": "string" } } } } } } } } } },
          "/replicate/v1/predictions/{id}": { "get": {} },
          "/replicate/v1/predictions/{id}/cancel": { "post": {} },
          "/replicate/v1/predictions/{stream}": { "get": {} },
          "/replicate/v1/webhooks/default/secret": { "get": {} }
        }
        """;

    private static readonly Gen<string> _word = Gen.OneOf<string>(
        "simulated", "low", "high", "queued", "succeeded,failed", "2026-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01", "now", "-1",
        "0", "7", "101", "99999999999999999999", "\0", "a\0b", "\u202e", "..", "%00", "'; select pg_sleep(9) --", new string('x', 3_000));

    /// <summary>Never with a character of a placeholder.</summary>
    private static readonly Gen<string> _text = Gen.Frequency<string>(
        (1, _word),
        (3, Gen.OneOf<char>(Gen.Char[' ', ';'], Gen.Char['?', '~'], Gen.Char['à', 'ÿ'], Gen.Char['\u4e00', '\u4e3f'], Gen.Char['a', 'z'])
            .Array[0, 12]
            .Select(characters => new string(characters))));

    private static readonly Gen<string> _method = Gen.OneOf<string>("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS");

    private static readonly Gen<string> _type = Gen.Frequency<string>(
        (9, Gen.Const("application/json")), (1, Gen.OneOf<string>("text/plain", "application/xml", "nonsense")));

    private static readonly Gen<string> _end = Gen.Frequency<string>((30, Gen.Const("")), (1, Gen.OneOf<string>("/", "/%00", "//x", "?")));

    // Nothing is delivered: the names belong to nobody (RFC 2606).
    private static readonly Gen<string> _url = Gen.OneOf<string>("https://receiver.invalid/hook", "https://127.0.0.1/", "http://a.invalid");

    private static readonly Gen<string> _number = Gen.OneOf<string>("0", "1", "-1", "3", "3600", "1.5", "1e400", "99999999999999999999");

    private static readonly Gen<string> _escaped = _text.Select(Uri.EscapeDataString);

    private static readonly Gen<string> _json = AnyJson(MaxDepth);

    public IReadOnlyList<string> Operations { get; } = [.. All(description).Select(operation => operation.Name)];

    public Gen<RandomRequest> Requests() => Gen.OneOf<RandomRequest>([.. OfEach()]);

    /// <summary>Requests to one operation after the other, in the order of <see cref="Operations"/>.</summary>
    public IReadOnlyList<Gen<RandomRequest>> OfEach() =>
        [.. All(description).Select(operation => Request(operation.Name, operation.Value))];

    private static IEnumerable<(string Name, JsonObject Value)> All(JsonObject description) =>
        from path in ((JsonObject)description["paths"]!)
            .Concat((JsonObject)JsonNode.Parse(Original)!).Concat((JsonObject)JsonNode.Parse(Facades)!)
        from operation in (JsonObject)path.Value!
        where operation.Value is JsonObject
        select ($"{operation.Key.ToUpperInvariant()} {path.Key}", (JsonObject)operation.Value!);

    private Gen<RandomRequest> Request(string name, JsonObject operation)
    {
        var (described, path) = (name.Split(' ')[0], name.Split(' ')[1]);
        var parameters = (operation["parameters"]?.AsArray() ?? []).Select(parameter => Resolve(parameter!)).ToArray();
        var schema = operation["requestBody"] is { } body ? Resolve(body)["content"]?["application/json"]?["schema"] : null;
        var caller = Gen.Frequency<int>((5, Gen.Const(0)), (5, Gen.Const(1)), (2, Gen.Const(2)));
        var method = Gen.Frequency<string>((12, Gen.Const(described)), (1, _method));
        var headers = Join(parameters
            .Where(parameter => (string?)parameter["in"] == "header")
            .Select(parameter => (string)parameter["name"]!)
            .Concat(["Prefer", "Accept", "Accept-Encoding", "Range", "If-None-Match", "If-Modified-Since", "X-Forwarded-For"])
            .Select(header => Sometimes(1, 5, Header(header))));
        var sent = schema is null
            ? Sometimes(1, 8, _json)
            : Sometimes(19, 20, Gen.Frequency<string>((14, Of(schema, "", MaxDepth)), (3, _json), (2, _text)));
        var target = Gen.Select(Path(path), Query(parameters), (where, query) => where + query);
        return Gen.Select(caller, method, target, headers, _type, sent, (who, how, where, fields, kind, what) => new RandomRequest(
            who, name, how, where, [.. fields.Select(field => (field.Split(": ", 2)[0], field.Split(": ", 2)[1]))], kind, what));
    }

    private static Gen<string> Header(string name) => (name switch
    {
        "Prefer" => Gen.OneOf<string>("wait=0", "wait=1", "wait=-1", "wait=x", "respond-async"),
        _ => Gen.Frequency<string>((2, _text), (1, Gen.OneOf<string>("*", "gzip", "bytes=0-1", "application/json", "127.0.0.1"))),
    }).Select(value => $"{name}: {string.Concat(value.Where(c => c is >= ' ' and <= '~'))}");

    private static Gen<string> Path(string path)
    {
        var segments = path.Split('/').Select((segment, i) => segment switch
        {
            "{model}" => Value("model", _escaped),
            "{owner}" => _escaped,
            // Who has the URL of a stream may read it.
            "{stream}" => Gen.Int[0, 99].Select(number => $"<own:stream:{number}>"),
            ['{', ..] => Id(path.Split('/')[i - 1] == "users" ? "user_id" : segment.Trim('{', '}'), 8, _escaped),
            _ => Gen.Const(segment),
        });
        return Gen.Select(Join(segments!), _end, (parts, end) => string.Join('/', parts) + end);
    }

    private static Gen<string> Query(IEnumerable<JsonNode> parameters)
    {
        var known = parameters.Where(parameter => (string?)parameter["in"] == "query").Select(parameter => (string)parameter["name"]!);
        var fields = known.Select(name => Sometimes(2, 5, Value(name, _escaped).Select(value => $"{name}={value}")))
            .Append(Sometimes(1, 12, Gen.Select(_escaped, _escaped, (name, value) => $"{name}={value}")));
        return Join(fields).Select(query => query.Length == 0 ? "" : $"?{string.Join('&', query)}");
    }

    /// <summary>Text for a field of that name: an id where it is one, mostly the caller's own.</summary>
    private static Gen<string> Value(string name, Gen<string> text) => name switch
    {
        "user_id" or "id" or "ticket_id" or "cursor" or "after" => Id(name, 4, text),
        "previous_response_id" => Id("response", 4, text),
        "model" => Gen.Frequency<string>((6, Gen.Const("simulated")), (3, Gen.Const(ChatModel)), (1, text)),
        "content" => Gen.Const("<own:input:0>"),
        "role" => Gen.Const("user"),
        "url" => Gen.Frequency<string>((4, _url), (1, text)),
        "input" => Gen.Const("<own:input:0>"),
        _ => text,
    };

    private static Gen<string> Id(string name, int own, Gen<string> text) => Gen.Frequency<string>(
        (own, Gen.Int[0, 99].Select(number => $"<own:{name}:{number}>")),
        (2, Gen.Int[0, 99].Select(number => $"<other:{name}:{number}>")),
        (1, text));

    private Gen<string> Of(JsonNode schema, string name, int depth)
    {
        schema = Resolve(schema);
        var choices = (schema["oneOf"] ?? schema["anyOf"])?.AsArray();
        var type = (schema["type"] is JsonArray types ? types.FirstOrDefault(type => (string?)type != "null") : schema["type"])?.ToString();
        var right = depth == 0 ? Gen.Const("null")
            : choices is not null ? Gen.OneOf<string>([.. choices.Select(choice => Of(choice!, name, depth))])
            : schema["enum"] is JsonArray values ? Gen.OneOf<string>([.. values.Select(value => value?.ToJsonString() ?? "null")])
            : type switch
            {
                "object" => Join((schema["properties"]?.AsObject() ?? []).Select(property => Sometimes(
                        3, 5, Of(property.Value!, property.Key, depth - 1).Select(value => $"\"{property.Key}\":{value}"))))
                    .Select(members => $"{{{string.Join(',', members)}}}"),
                "array" => Of(schema["items"]!, name, depth - 1).Array[0, 3].Select(items => $"[{string.Join(',', items)}]"),
                _ when name == "input" => Gen.Frequency<string>((3, Gen.Const("\"<own:input:0>\"")), (2, _json)),
                "integer" or "number" => _number,
                "boolean" => Gen.OneOf<string>("true", "false"),
                _ => Value(name, _text).Select(Quoted),
            };
        return Gen.Frequency<string>((12, right), (1, _json));
    }

    private static Gen<string> AnyJson(int depth)
    {
        var odd = Gen.OneOf<string>("null", "true", "\"\\ud800\\u0000\"", "[", "{\"a\":1,\"a\":2}", new string('[', 200));
        var leaf = Gen.OneOf<string>(odd, _number, _text.Select(Quoted));
        if (depth == 0)
        {
            return leaf;
        }

        var inner = AnyJson(depth - 1);
        return Gen.Frequency<string>(
            (3, leaf),
            (1, inner.Array[0, 3].Select(items => $"[{string.Join(',', items)}]")),
            (1, Gen.Select(_text, inner, (name, value) => $"{Quoted(name)}:{value}").Array[0, 4]
                .Select(members => $"{{{string.Join(',', members)}}}")));
    }

    /// <summary>A string of JSON. Placeholders stay as they are.</summary>
    private static string Quoted(string text) => text.StartsWith('<') ? $"\"{text}\"" : JsonSerializer.Serialize(text);

    /// <summary>Null if it has none.</summary>
    private static Gen<string?> Sometimes(int times, int of, Gen<string> value) =>
        Gen.Frequency<string?>((times, value.Select(text => (string?)text)), (of - times, Gen.Const((string?)null)));

    /// <summary>All of them that are there, in order.</summary>
    private static Gen<string[]> Join(IEnumerable<Gen<string?>> parts) => parts.Aggregate(
        Gen.Const(Array.Empty<string>()),
        (before, part) => Gen.Select(before, part, (list, text) => text is null ? list : [.. list, text]));

    private JsonNode Resolve(JsonNode node)
    {
        while ((string?)(node as JsonObject)?["$ref"] is { } reference)
        {
            node = reference.Split('/')[1..].Aggregate((JsonNode)description, (parent, name) => parent[name]!);
        }

        return node;
    }
}
