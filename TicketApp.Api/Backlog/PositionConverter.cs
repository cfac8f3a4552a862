using System.Text.Json;
using System.Text.Json.Serialization;

namespace TicketApp.Api.Backlog;

/// <summary>A position is a number, or <c>"1000+"</c> where it is not known exactly.</summary>
internal sealed class PositionConverter : JsonConverter<int?>
{
    public const string Beyond = "1000+";

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
