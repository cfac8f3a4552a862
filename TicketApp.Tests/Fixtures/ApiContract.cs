using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;

namespace TicketApp.Tests.Fixtures;

/// <summary>
/// The description of the resource API that is checked in (docs/openapi.json), read strictly: what it does not say is a defect, also of
/// an answer that has a property too many.
/// </summary>
internal sealed class ApiContract
{
    public const string Path = "docs/openapi.json";
    private const string Json = "application/json";
    private const string Problem = "application/problem+json";
    private const string Schemas = "#/components/schemas/";

    // What Kestrel refuses before there is an endpoint, and what no operation has.
    private static readonly HttpStatusCode[] _ofNoOperation =
    [
        HttpStatusCode.MethodNotAllowed, HttpStatusCode.RequestUriTooLong, HttpStatusCode.RequestHeaderFieldsTooLarge,
    ];

    private static readonly HashSet<string> _formats = ["uuid", "date-time", "uri", "uri-reference"];
    private static readonly EvaluationOptions _asList = new() { OutputFormat = OutputFormat.List, RequireFormatValidation = true };
    private static readonly EvaluationOptions _asFlag = new() { OutputFormat = OutputFormat.Flag, RequireFormatValidation = true };
    private static readonly Lazy<ApiContract> _checkedIn = new(() => new(File.ReadAllText(FilePath)));

    // In place of a batch of which nothing is left to compare.
    private static readonly byte[] _nothing = [0];

    private readonly JsonObject _document;
    private readonly JsonObject _definitions;
    private readonly Operation[] _operations;
    private readonly HashSet<string> _headers;

    // By where it is in the document; a schema is compiled when it is first met.
    private readonly Dictionary<string, JsonSchema> _schemas = [];
    private readonly Lock _lock = new();

    public ApiContract(string document)
    {
        _document = JsonNode.Parse(document)!.AsObject();
        _definitions = Strict(_document["components"]!["schemas"]!).AsObject();
        _headers = [.. _document["components"]!["headers"]!.AsObject().Select(header => header.Key)];
        _operations =
        [
            .. from path in _document["paths"]!.AsObject()
               from operation in path.Value!.AsObject()
               select new Operation(operation.Key.ToUpperInvariant(), path.Key, operation.Value!.AsObject()),
        ];
    }

    public static ApiContract CheckedIn => _checkedIn.Value;

    public static string FilePath => System.IO.Path.Combine(Repository.Root, Path);

    /// <summary>What an exchange has that is not described; null if there is nothing.</summary>
    /// <param name="request">What was sent.</param>
    /// <param name="sent">Its body, if it is JSON.</param>
    /// <param name="response">What was answered.</param>
    /// <param name="body">Its body; null if it was not read.</param>
    public string? Defect(HttpRequestMessage request, byte[]? sent, HttpResponseMessage response, byte[]? body)
    {
        if (_ofNoOperation.Contains(response.StatusCode))
        {
            return body is null or [] ? null : Mismatch($"{Schemas}Problem", body);
        }

        var path = request.RequestUri!.AbsolutePath;
        // No route has an empty segment.
        if (path.Contains("//", StringComparison.Ordinal)
            || _operations.FirstOrDefault(one => one.Serves(request.Method.Method, path)) is not { } operation)
        {
            return (int)response.StatusCode < 400 ? "No such operation." : null;
        }

        if (operation.Json["responses"]?[((int)response.StatusCode).ToString(CultureInfo.InvariantCulture)] is not JsonObject answer)
        {
            return "No such status.";
        }

        return DefectOfHeaders(response.Headers, answer)
            ?? DefectOfAnswer(request, response, body, answer, operation)
            // A request that is wrong on purpose is refused.
            ?? (response.IsSuccessStatusCode ? DefectOfRequest(request, Taken(sent, body, operation), operation) : null);
    }

    /// <summary>What a body has that the schema at <paramref name="reference"/> does not; null if there is nothing.</summary>
    public string? Mismatch(string reference, byte[] body)
    {
        using var document = JsonDocument.Parse(body);
        return Mismatch(reference, document.RootElement);
    }

    private static string? Text(JsonNode? node) => node?.GetValue<string>();

    private string? DefectOfAnswer(
        HttpRequestMessage request, HttpResponseMessage response, byte[]? body, JsonObject answer, Operation operation)
    {
        if (body is null || request.Method == HttpMethod.Head)
        {
            return null;
        }

        var type = response.Content.Headers.ContentType?.MediaType;
        if (answer["content"] is not JsonObject content)
        {
            return body.Length == 0 ? null : "No body is described.";
        }

        if (type is null || content[type] is not JsonObject media)
        {
            return $"No content of type {type} is described.";
        }

        if (type is not (Json or Problem))
        {
            return null;
        }

        if (type == Problem)
        {
            var name = Text(JsonNode.Parse(body)!["type"])?.Split('#')[^1];
            if (name is null || media["examples"]?[name] is null)
            {
                return $"The problem {name} is not described with this status.";
            }
        }

        return Mismatch($"{operation.Pointer}/responses/{(int)response.StatusCode}/content/{Escape(type)}/schema", body);
    }

    private string? DefectOfHeaders(HttpResponseHeaders headers, JsonObject answer)
    {
        foreach (var (name, values) in headers.Where(header => _headers.Contains(header.Key)))
        {
            if (answer["headers"]?[name] is null)
            {
                return $"The header {name} is not described with this status.";
            }

            if (Mismatch($"#/components/headers/{name}/schema", string.Join(", ", values)) is { } mismatch)
            {
                return $"Header {name}: {mismatch}";
            }
        }

        return null;
    }

    private string? DefectOfRequest(HttpRequestMessage request, byte[]? sent, Operation operation)
    {
        var described = (operation.Json["parameters"]?.AsArray() ?? []).Select((parameter, place) => (
            Name: Text(parameter!["name"])!,
            In: Text(parameter["in"]),
            Pointer: $"{operation.Pointer}/parameters/{place}/schema")).ToArray();
        var query = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(request.RequestUri!.Query)
            .SelectMany(parameter => parameter.Value, (parameter, value) => ("query", parameter.Key, Value: value!));
        var headers = request.Headers
            .Where(header => described.Any(one => one.In == "header" && Same(one.Name, header.Key)))
            .Select(header => ("header", header.Key, Value: string.Join(", ", header.Value)));
        foreach (var (place, name, value) in query.Concat(headers).Concat(operation.Values(request.RequestUri.AbsolutePath)))
        {
            var parameter = described.FirstOrDefault(one => one.In == place && Same(one.Name, name));
            if (parameter.Name is null)
            {
                // What has no query string at all ignores one.
                if (described.Any(one => one.In == place))
                {
                    return $"The parameter {name} in {place} is not described.";
                }

                continue;
            }

            // An empty value counts as none.
            if (value.Length > 0 && Mismatch(parameter.Pointer, value) is { } mismatch)
            {
                return $"Parameter {name} in {place}: {mismatch}";
            }
        }

        return operation.Json["requestBody"] is not { } body ? null
            : sent is null or [] ? body["required"]?.GetValue<bool>() == true ? "The body is missing." : null
            : ReferenceEquals(sent, _nothing) ? null
            : Mismatch($"{operation.Pointer}/requestBody/content/{Escape(Json)}/schema", sent) is { } wrong ? $"Sent body: {wrong}"
            : null;
    }

    /// <summary>Of a batch, those that were taken: the others may be wrong on purpose.</summary>
    private static byte[]? Taken(byte[]? sent, byte[]? body, Operation operation)
    {
        if (sent is null or [] || Text(operation.Json["operationId"]) != "createTickets"
            || JsonNode.Parse(sent) is not JsonObject batch || batch["tickets"] is not JsonArray)
        {
            return sent;
        }

        var results = body is null ? null : JsonNode.Parse(body)!["results"]!.AsArray();
        // As they were sent: an escape that is half a character may be in an input, and cannot be written from what was read.
        using var document = JsonDocument.Parse(sent);
        string[] taken =
        [
            .. document.RootElement.GetProperty("tickets").EnumerateArray()
                .Where((_, place) => results?[place]!["ticket"] is not null).Select(ticket => ticket.GetRawText()),
        ];
        var others = document.RootElement.EnumerateObject()
            .Where(property => property.Name != "tickets")
            .Select(property => $",{JsonSerializer.Serialize(property.Name)}:{property.Value.GetRawText()}");
        return taken.Length == 0
            ? _nothing
            : Encoding.UTF8.GetBytes($$"""{"tickets":[{{string.Join(',', taken)}}]{{string.Concat(others)}}}""");
    }

    private static bool Same(string one, string other) => one.Equals(other, StringComparison.OrdinalIgnoreCase);

    /// <summary>Of a parameter or header, whose text is read as its schema has it.</summary>
    private string? Mismatch(string pointer, string text)
    {
        var isNumber = Text(At(pointer)["type"]) == "integer" && long.TryParse(text, CultureInfo.InvariantCulture, out _);
        using var document = JsonDocument.Parse(isNumber ? text : JsonSerializer.Serialize(text));
        return Mismatch(pointer, document.RootElement);
    }

    private string? Mismatch(string pointer, JsonElement value)
    {
        var schema = SchemaAt(pointer);
        if (schema.Evaluate(value, _asFlag).IsValid)
        {
            return null;
        }

        var errors = schema.Evaluate(value, _asList).Details!
            .Where(detail => detail.Errors is not null)
            .SelectMany(detail => detail.Errors!, (detail, error) => $"{detail.InstanceLocation}: {error.Value} ({detail.EvaluationPath})");
        return string.Join('\n', errors.Distinct());
    }

    private JsonNode At(string pointer) => pointer.Split('/')[1..]
        .Select(part => part.Replace("~1", "/", StringComparison.Ordinal))
        .Aggregate((JsonNode)_document, (parent, part) => parent is JsonArray list
            ? list[int.Parse(part, CultureInfo.InvariantCulture)]!
            : parent[part] ?? throw new InvalidOperationException($"{Path} has no {pointer}."));

    private JsonSchema SchemaAt(string pointer)
    {
        lock (_lock)
        {
            // Compiled once, whichever answers have it.
            while (At(pointer) is JsonObject { Count: 1 } named && Text(named["$ref"]) is { } reference)
            {
                pointer = reference;
            }

            if (!_schemas.TryGetValue(pointer, out var schema))
            {
                JsonObject text = new()
                {
                    ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
                    ["$id"] = $"https://contract.invalid/{Guid.NewGuid()}",
                    ["allOf"] = new JsonArray(Strict(At(pointer))),
                    ["$defs"] = _definitions.DeepClone(),
                };
                schema = _schemas[pointer] = JsonSchema.FromText(
                    text.ToJsonString().Replace(Schemas, "#/$defs/", StringComparison.Ordinal));
            }

            return schema;
        }
    }

    private static string Escape(string part) => part.Replace("/", "~1", StringComparison.Ordinal);

    /// <summary>A copy that takes no property that it does not name, and asks for the formats that mean something here.</summary>
    private static JsonNode Strict(JsonNode schema)
    {
        var copy = schema.DeepClone();
        Visit(copy);
        return copy;

        static void Visit(JsonNode? node)
        {
            if (node is JsonObject members)
            {
                if (members["properties"] is JsonObject && members["additionalProperties"] is null)
                {
                    members["unevaluatedProperties"] = false;
                }

                if (members["format"] is JsonValue format && !_formats.Contains(format.ToString()))
                {
                    members.Remove("format");
                }
            }

            foreach (var child in node switch
            {
                JsonObject some => [.. some.Select(member => member.Value)],
                JsonArray list => [.. list],
                _ => Array.Empty<JsonNode?>(),
            })
            {
                Visit(child);
            }
        }
    }

    /// <summary>A method of a path.</summary>
    private sealed record Operation(string Method, string Template, JsonObject Json)
    {
        private readonly string[] _parts = Template.Split('/');

        public string Pointer { get; } = $"#/paths/{Escape(Template)}/{Method.ToLowerInvariant()}";

        /// <summary>Whether a path is its own; what is written out counts before what is a parameter.</summary>
        public bool Serves(string method, string path) =>
            method == Method && Parts(path) is { } parts && parts.Length == _parts.Length
                && _parts.Zip(parts).All(pair => IsParameter(pair.First)
                    ? pair.Second.Length > 0 && pair.Second is not ("batch" or "changes")
                    : Same(pair.First, pair.Second));

        /// <summary>The values of its parameters in a path.</summary>
        public IEnumerable<(string Place, string Name, string Value)> Values(string path) => _parts.Zip(Parts(path))
            .Where(pair => IsParameter(pair.First))
            .Select(pair => ("path", pair.First.Trim('{', '}'), Uri.UnescapeDataString(pair.Second)));

        private static string[] Parts(string path) => path.TrimEnd('/').Split('/');

        private static bool IsParameter(string part) => part.StartsWith('{');
    }
}

/// <summary>
/// Compares each exchange of the tests with the resource API with its description. Fails the test that has it at once, whatever it looks at
/// itself.
/// </summary>
internal sealed class ContractHandler(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    private const int MaxBody = 1024 * 1024;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var isDescribed = request.RequestUri!.AbsolutePath.StartsWith("/v1/", StringComparison.OrdinalIgnoreCase);
        var sent = isDescribed && request.Content is { } content && content.Headers.ContentType?.MediaType == "application/json"
            ? await content.ReadAsByteArrayAsync(cancellationToken)
            : null;
        var response = await base.SendAsync(request, cancellationToken);
        if (isDescribed)
        {
            // Neither what is sent in parts, such as events, nor what a test wants to read slowly.
            var body = response.Content.Headers.ContentLength <= MaxBody
                ? await response.Content.ReadAsByteArrayAsync(cancellationToken)
                : null;
            if (ApiContract.CheckedIn.Defect(request, sent, response, body) is { } defect)
            {
                response.Dispose();
                Assert.Fail(
                    $"{ApiContract.Path} does not describe this answer {(int)response.StatusCode} "
                        + $"to {request.Method} {request.RequestUri}:\n"
                        + $"{defect}\n{(body is null ? "" : System.Text.Encoding.UTF8.GetString(body))}");
            }
        }

        return response;
    }
}
