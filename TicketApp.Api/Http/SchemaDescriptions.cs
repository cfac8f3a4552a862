using System.ComponentModel.DataAnnotations;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace TicketApp.Api.Http;

/// <summary>A JSON converter that says what it writes, where the property's type does not.</summary>
internal interface IDescribesSchema
{
    void Describe(OpenApiSchema schema);
}

/// <summary>
/// Completes the schemas of the description: what is always sent is required, what is left out is never null, and words are listed.
/// </summary>
internal static class SchemaDescriptions
{
    /// <summary>The name of a ticket.</summary>
    public const string Ticket = "Ticket";

    public static Task DescribeAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        if (context.JsonTypeInfo.Kind == JsonTypeInfoKind.Object)
        {
            schema.Required = new HashSet<string>(
                context.JsonTypeInfo.Properties.Where(IsRequest(context.JsonTypeInfo) ? IsWanted : IsAlwaysSent)
                    .Select(property => property.Name));
        }

        if (context.JsonPropertyInfo is { } property)
        {
            Describe(schema, property);
        }

        return Task.CompletedTask;
    }

    /// <summary>What a property that refers to another schema says of null, which is known when all are there.</summary>
    public static Task CompleteReferencesAsync(
        OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        var schemas = document.Components!.Schemas!;
        foreach (var schema in schemas.Values)
        {
            foreach (var (name, property) in schema.Properties?.ToArray() ?? [])
            {
                if (property is OpenApiSchemaReference && IsAnything(property))
                {
                    schema.Properties![name] = new OpenApiSchema { Description = property.Description };
                }
                else if (property.OneOf is [{ Type: JsonSchemaType.Null }, var other])
                {
                    if (IsAnything(other))
                    {
                        schema.Properties![name] = new OpenApiSchema { Description = property.Description ?? other.Description };
                    }
                    else if (schema.AdditionalPropertiesAllowed && schema.Required?.Contains(name) != true)
                    {
                        schema.Properties![name] = other;
                    }
                }
            }
        }

        foreach (var (name, _) in schemas.Where(schema => IsAnything(schema.Value)).ToArray())
        {
            schemas.Remove(name);
        }

        return Task.CompletedTask;
    }

    /// <summary>A type's name in the description.</summary>
    public static string? NameOf(JsonTypeInfo type) => OpenApiOptions.CreateDefaultSchemaReferenceId(type) switch
    {
        "TicketResource" => Ticket,
        var name => name,
    };

    /// <summary>Any JSON value is good for it, null included.</summary>
    private static bool IsAnything(IOpenApiSchema schema) => schema is
    {
        Type: null, Properties: null or { Count: 0 }, OneOf: null or { Count: 0 }, AnyOf: null or { Count: 0 },
        AllOf: null or { Count: 0 }, Enum: null or { Count: 0 }, Const: null,
    };

    /// <summary>Requests are read strictly. Of answers, callers must ignore what they do not know.</summary>
    private static bool IsRequest(JsonTypeInfo type) => type.UnmappedMemberHandling == JsonUnmappedMemberHandling.Disallow;

    private static bool IsWanted(JsonPropertyInfo property) => AttributeOf<RequiredAttribute>(property) is not null;

    private static bool IsAlwaysSent(JsonPropertyInfo property) => property.Get is not null && property.ShouldSerialize is null;

    private static void Describe(OpenApiSchema schema, JsonPropertyInfo property)
    {
        (property.CustomConverter as IDescribesSchema)?.Describe(schema);
        if (IsWanted(property) || property.ShouldSerialize is not null)
        {
            schema.Type &= ~JsonSchemaType.Null;
        }

        if (AttributeOf<SchemaFormatAttribute>(property) is { } text)
        {
            schema.Format = text.Format;
        }

        if (AttributeOf<SchemaLengthAttribute>(property) is { } length)
        {
            if (schema.Type?.HasFlag(JsonSchemaType.Array) == true)
            {
                (schema.MinItems, schema.MaxItems) = (
                    length.Min == 0 ? null : length.Min, length.Max == int.MaxValue ? null : length.Max);
            }
            else
            {
                schema.MaxLength = length.Max;
            }
        }

        if (AttributeOf<AllowedValuesAttribute>(property) is { } words)
        {
            var listed = schema.Type?.HasFlag(JsonSchemaType.Array) == true ? (OpenApiSchema)schema.Items! : schema;
            listed.Enum = [.. words.Values.Select(word => (JsonNode)JsonValue.Create((string)word!))];
            if (listed.Type?.HasFlag(JsonSchemaType.Null) == true)
            {
                listed.Enum.Add(JsonNullSentinel.JsonNull);
            }
        }
    }

    private static T? AttributeOf<T>(JsonPropertyInfo property)
        where T : Attribute => property.AttributeProvider?.GetCustomAttributes(typeof(T), inherit: false).OfType<T>().FirstOrDefault();
}

/// <summary>The format of a text, as JSON Schema names it.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SchemaFormatAttribute(string format) : Attribute
{
    public string Format => format;
}

/// <summary>How long a text or a list may be. .NET's own attributes for that are not for native programs.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SchemaLengthAttribute(int max) : Attribute
{
    public int Max => max;

    public int Min { get; set; }
}
