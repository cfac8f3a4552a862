using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace TicketApp.Worker.Models.Endpoints;

/// <summary>Pointers to values within JSON.</summary>
/// <remarks>RFC 6901.</remarks>
internal static class JsonPointer
{
    /// <summary>Whether a text is a pointer.</summary>
    public static bool IsOne(string pointer) =>
        pointer.Length == 0
        || (pointer[0] == '/' && pointer.Split('~').Skip(1).All(escape => escape is ['0' or '1', ..]));

    /// <summary>The value at <paramref name="pointer"/>; null where nothing is.</summary>
    public static JsonElement? Find(JsonElement root, string pointer)
    {
        var value = root;
        foreach (var name in Names(pointer))
        {
            if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out var member))
            {
                value = member;
            }
            else if (value.ValueKind == JsonValueKind.Array && Index(name) is { } index && index < value.GetArrayLength())
            {
                value = value[index];
            }
            else
            {
                return null;
            }
        }

        return value;
    }

    /// <summary>Puts <paramref name="value"/> where <paramref name="pointer"/> says. Objects on the way there are made.</summary>
    /// <exception cref="InvalidOperationException">There is no such place.</exception>
    public static JsonNode Set(JsonNode? root, string pointer, JsonNode? value)
    {
        var names = Names(pointer).ToArray();
        var parent = root;
        for (var i = 0; i < names.Length; i++)
        {
            var child = i == names.Length - 1 ? value : Child(parent, names[i]) ?? new JsonObject();
            Put(parent, names[i], child);
            parent = child;
        }

        return root!;
    }

    private static JsonNode? Child(JsonNode? parent, string name) => parent switch
    {
        JsonObject members => members[name],
        JsonArray items when Index(name) is { } index && index < items.Count => items[index],
        _ => null,
    };

    private static void Put(JsonNode? parent, string name, JsonNode? child)
    {
        if (child is not null && ReferenceEquals(child.Parent, parent))
        {
            return;
        }

        switch (parent)
        {
            case JsonObject members:
                members[name] = child;
                break;
            case JsonArray items when name == "-" || Index(name) == items.Count:
                items.Add(child);
                break;
            case JsonArray items when Index(name) is { } index && index < items.Count:
                items[index] = child;
                break;
            default:
                throw new InvalidOperationException("The template has no place for the input.");
        }
    }

    private static IEnumerable<string> Names(string pointer) => pointer.Split('/').Skip(1)
        .Select(name => name.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal));

    private static int? Index(string name) =>
        int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && (name.Length == 1 || name[0] != '0')
            ? index
            : null;
}
