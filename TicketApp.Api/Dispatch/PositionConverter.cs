using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.OpenApi;
using TicketApp.Api.Http;

namespace TicketApp.Api.Dispatch;

/// <summary>A position is a number, or <c>"1000+"</c> where it is not known exactly.</summary>
internal sealed class PositionConverter : JsonConverter<int?>, IDescribesSchema
{
    public const string Beyond = "1000+";

    public void Describe(OpenApiSchema schema)
    {
        schema.Type = null;
        schema.AnyOf =
        [
            new OpenApiSchema { Type = JsonSchemaType.Integer, Minimum = "1", Maximum = "1000" },
            new OpenApiSchema { Type = JsonSchemaType.String, Const = Beyond },
        ];
    }

    public override bool HandleNull => true;

    public override int? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.Number ? reader.GetInt32() : null;

    public override void Write(Utf8JsonWriter writer, int? value, JsonSerializerOptions options)
    {
        if (value is { } position)
        {
            writer.WriteNumberValue(position);
        }
        else
        {
            writer.WriteStringValue(Beyond);
        }
    }
}
