using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace TicketApp.Messaging;

/// <summary>
/// A JSON Schema (2020-12) of a model's input, as far as inputs can be checked against it within bounds: its references stay within it and
/// lead to an end, its patterns need no backtracking. docs/models.md says what that leaves.
/// </summary>
public sealed class InputSchema
{
    /// <summary>The longest, in bytes without white space.</summary>
    public const int MaxBytes = 64 * 1024;

    private InputSchema(string json, string checks) => (Json, Checks) = (json, checks);

    /// <summary>It, without white space.</summary>
    public string Json { get; }

    /// <summary>
    /// What it asserts, without all that only describes. Each schema in it has the member <see cref="SchemaReader.Visit"/>: false where
    /// nothing fits.
    /// </summary>
    public string Checks { get; }

    /// <summary>Names it: another schema has another one.</summary>
    public string Id => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Json)).AsSpan(0, 8));

    /// <summary>Reads a schema.</summary>
    /// <exception cref="FormatException">It is no JSON Schema, or one that cannot be checked; the message says why in one line.</exception>
    public static InputSchema Parse(string json)
    {
        try
        {
            // Within what a heartbeat may be nested.
            using var document = JsonDocument.Parse(json, new() { AllowDuplicateProperties = false, MaxDepth = 48 });
            var text = Payload.FromJson(Encoding.UTF8.GetBytes(json)) is { IsJson: true } payload ? payload.Text : "";
            if (Encoding.UTF8.GetByteCount(text) > MaxBytes)
            {
                throw new FormatException($"it has more than {MaxBytes} bytes");
            }

            return new(text, SchemaReader.Read(document.RootElement));
        }
        catch (JsonException)
        {
            throw new FormatException("it is not JSON, is nested deeper than 48, or has a name twice in an object");
        }
        catch (InvalidOperationException)
        {
            throw new FormatException("it has an escape that is half a character");
        }
    }
}
