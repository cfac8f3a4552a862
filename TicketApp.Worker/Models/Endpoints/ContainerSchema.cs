using System.Text.Json;
using System.Text.Json.Nodes;
using TicketApp.Messaging;

namespace TicketApp.Worker.Models.Endpoints;

/// <summary>Makes a JSON Schema of what a container of Cog's says of its inputs in its OpenAPI description.</summary>
internal static class ContainerSchema
{
    private const string Parts = "#/components/schemas/";

    /// <summary>Reads the schema of the inputs, with all that it refers to.</summary>
    /// <param name="description">The OpenAPI description.</param>
    /// <param name="takesText">Whether a text is an input as well.</param>
    /// <returns>Null if the description has none.</returns>
    /// <exception cref="FormatException">It cannot be checked.</exception>
    public static InputSchema? Read(JsonElement description, bool takesText)
    {
        if (JsonPointer.Find(description, "/components/schemas") is not { ValueKind: JsonValueKind.Object } parts
            || Part(parts, "Input") is not { } input)
        {
            return null;
        }

        JsonObject defs = [];
        Queue<string> missing = [];
        Rewrite(input, missing);
        while (missing.TryDequeue(out var name))
        {
            if (!defs.ContainsKey(name) && Part(parts, name) is { } part)
            {
                Rewrite(part, missing);
                defs[name] = part;
            }
        }

        if (defs.Count > 0)
        {
            input["$defs"] = defs;
        }

        if (takesText)
        {
            // What is said of members says nothing of a text.
            input["type"] = new JsonArray("object", "string");
        }

        return InputSchema.Parse(input.ToJsonString());
    }

    private static JsonObject? Part(JsonElement parts, string name) =>
        parts.TryGetProperty(name, out var part) && part.ValueKind == JsonValueKind.Object ? JsonObject.Create(part) : null;

    /// <summary>From OpenAPI's own words to those of JSON Schema.</summary>
    private static void Rewrite(JsonNode? node, Queue<string> missing)
    {
        if (node is JsonObject members)
        {
            if (Text(members["$ref"]) is { } reference && reference.StartsWith(Parts, StringComparison.Ordinal))
            {
                members["$ref"] = $"#/$defs/{reference[Parts.Length..]}";
                missing.Enqueue(reference[Parts.Length..]);
            }

            if (members["nullable"] is JsonValue nullable && nullable.GetValueKind() == JsonValueKind.True)
            {
                AllowNull(members);
            }
        }

        var children = node switch
        {
            JsonObject inner => inner.Select(member => member.Value),
            JsonArray items => items,
            _ => [],
        };
        foreach (var child in children.ToArray())
        {
            Rewrite(child, missing);
        }
    }

    private static void AllowNull(JsonObject schema)
    {
        schema.Remove("nullable");
        if (Text(schema["type"]) is { } type && schema["enum"] is null)
        {
            schema["type"] = new JsonArray(type, "null");
            return;
        }

        JsonObject other = [];
        foreach (var (name, value) in schema.Where(member => member.Key is not ("title" or "description" or "default")).ToArray())
        {
            schema.Remove(name);
            other[name] = value;
        }

        schema["anyOf"] = new JsonArray(other, new JsonObject { ["type"] = "null" });
    }

    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
}
