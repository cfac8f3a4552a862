using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace TicketApp.Messaging;

/// <summary>
/// What a model is asked or answers: a text, or any other JSON value. JSON is never understood on its way: numbers of any size, names that
/// are there twice and escapes stay as they came, and only the white space between them goes. As JSON, a text is a string.
/// </summary>
/// <param name="Text">The text; the JSON text where it is JSON.</param>
/// <param name="IsJson">Whether it is JSON other than a string.</param>
[JsonConverter(typeof(PayloadConverter))]
public readonly record struct Payload(string Text, bool IsJson)
{
    /// <summary>How deep JSON may be nested: as deep as System.Text.Json and others read by themselves.</summary>
    public const int MaxDepth = 64;

    /// <summary>What is wrong with JSON beyond <see cref="MaxDepth"/>, to follow its name: the message of its exception.</summary>
    public const string TooDeep = "must not be nested deeper than 64";

    public static implicit operator Payload(string text) => FromString(text);

    /// <summary>A text.</summary>
    public static Payload FromString(string text) => new(text, IsJson: false);

    /// <summary>Reads a JSON text.</summary>
    /// <returns>Null for the JSON value <c>null</c>, which is no payload.</returns>
    /// <exception cref="JsonException">It is not JSON, or too deep.</exception>
    /// <exception cref="InvalidOperationException">It is a string with an escape that is half a character.</exception>
    public static Payload? FromJson(ReadOnlySpan<byte> json)
    {
        Utf8JsonReader reader = new(json, new() { MaxDepth = MaxDepth + 1 });
        reader.Read();
        var payload = reader.TokenType == JsonTokenType.Null ? default(Payload?) : Read(ref reader);
        // Throws if more follows.
        reader.Read();
        return payload;
    }

    internal static Payload Read(ref Utf8JsonReader reader) => reader.TokenType == JsonTokenType.String
        ? new(reader.GetString()!, IsJson: false)
        : new(ReadJson(ref reader), IsJson: true);

    private static string ReadJson(ref Utf8JsonReader reader)
    {
        var end = reader;
        end.Skip();
        var buffer = ArrayPool<byte>.Shared.Rent((int)(end.BytesConsumed - reader.TokenStartIndex));
        try
        {
            return Encoding.UTF8.GetString(buffer, 0, Copy(ref reader, buffer));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Copies a value token by token, each as it is written.</summary>
    /// <returns>How many bytes that took: no more than the value itself.</returns>
    private static int Copy(ref Utf8JsonReader reader, Span<byte> buffer)
    {
        var (length, outside, isAfterValue) = (0, reader.CurrentDepth, false);
        while (true)
        {
            var token = reader.TokenType;
            var isStart = token is JsonTokenType.StartObject or JsonTokenType.StartArray;
            if (isStart && reader.CurrentDepth - outside >= MaxDepth)
            {
                throw new JsonException(TooDeep);
            }

            var isQuoted = token is JsonTokenType.PropertyName or JsonTokenType.String;
            if (isAfterValue && token is not (JsonTokenType.EndObject or JsonTokenType.EndArray))
            {
                buffer[length++] = (byte)',';
            }

            if (isQuoted)
            {
                buffer[length++] = (byte)'"';
            }

            var written = reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan;
            written.CopyTo(buffer[length..]);
            length += written.Length;
            if (isQuoted)
            {
                buffer[length++] = (byte)'"';
            }

            if (token == JsonTokenType.PropertyName)
            {
                buffer[length++] = (byte)':';
            }

            isAfterValue = !isStart && token != JsonTokenType.PropertyName;
            if (isAfterValue && reader.CurrentDepth == outside)
            {
                return length;
            }

            reader.Read();
        }
    }
}

/// <summary>Reads and writes a <see cref="Payload"/> as the JSON value that it is.</summary>
public sealed class PayloadConverter : JsonConverter<Payload>
{
    public override Payload Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Payload.Read(ref reader);

    public override void Write(Utf8JsonWriter writer, Payload value, JsonSerializerOptions options)
    {
        if (value.IsJson)
        {
            writer.WriteRawValue(value.Text, skipInputValidation: true);
        }
        else
        {
            writer.WriteStringValue(value.Text);
        }
    }
}
