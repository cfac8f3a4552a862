using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.HttpResults;

namespace TicketApp.Api.Http;

/// <summary>The JSON of both APIs: snake_case, compiled serializers, <c>application/json; charset=utf-8</c>.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Message))]
[JsonSerializable(typeof(Problem))]
[JsonSerializable(typeof(Dictionary<string, int>))]
[JsonSerializable(typeof(string[]))]
internal sealed partial class ApiJson : JsonSerializerContext
{
    public const string ContentType = "application/json; charset=utf-8";

    // What an answer may take in memory to be written at once.
    private const int MaxAtOnce = 256 * 1024;

    // The most that a thread keeps for its next answer.
    private const int MaxKept = 64 * 1024;

    // The content type says that it is JSON, so that only what JSON itself wants is escaped: a "+" or a letter beyond ASCII would else be
    // six bytes.
    private static readonly JsonWriterOptions _writing = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    [ThreadStatic]
    private static Scratch? _scratch;

    /// <summary>
    /// Makes <paramref name="options"/> write as the folders' serializers do. The description of the API is made of them, so that it says
    /// what the endpoints send.
    /// </summary>
    public static void ApplyPolicy(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = Default.Options.PropertyNamingPolicy;
        options.NumberHandling = Default.Options.NumberHandling;
    }

    /// <summary>A result. Small enough to be written at once, with its length, where a JSON result would be sent in chunks.</summary>
    public static Utf8ContentHttpResult Ok<T>(T body, JsonTypeInfo<T> type) => TypedResults.Text(Serialize(body, type), ContentType);

    /// <summary>
    /// A result that may be large: it is then sent in parts, as fast as the caller takes them, and never whole in memory.
    /// </summary>
    /// <param name="body">The result; of a list in it, each item is a part.</param>
    /// <param name="type">Its serializer.</param>
    /// <param name="bytes">What it takes in memory, at most.</param>
    public static IResult OkInParts<T>(T body, JsonTypeInfo<T> type, long bytes) =>
        bytes <= MaxAtOnce ? Ok(body, type) : new Parts<T>(body, type);

    /// <summary>The bytes of an answer.</summary>
    public static byte[] Serialize<T>(T body, JsonTypeInfo<T> type)
    {
        var scratch = _scratch ?? new();
        // Not kept over a failure, nor where it has grown large.
        _scratch = null;
        JsonSerializer.Serialize(scratch.Writer, body, type);
        var bytes = scratch.Buffer.WrittenSpan.ToArray();
        if (bytes.Length <= MaxKept)
        {
            scratch.Reset();
            _scratch = scratch;
        }

        return bytes;
    }

    /// <summary>Writes an answer, or a part of one, into <paramref name="output"/>.</summary>
    public static void Write<T>(IBufferWriter<byte> output, T body, JsonTypeInfo<T> type)
    {
        using Utf8JsonWriter writer = new(output, _writing);
        JsonSerializer.Serialize(writer, body, type);
    }

    /// <summary>The answer to a request that has created something.</summary>
    public static Utf8ContentHttpResult Created<T>(T body, JsonTypeInfo<T> type) => WithStatus(StatusCodes.Status201Created, body, type);

    /// <summary>A result with another status than 200.</summary>
    public static Utf8ContentHttpResult WithStatus<T>(int status, T body, JsonTypeInfo<T> type) =>
        TypedResults.Text(Serialize(body, type), ContentType, status);

    /// <summary>The original's form of everything that is not a result: <c>{"message":"…"}</c>.</summary>
    public static Utf8ContentHttpResult WithMessage(int status, string text) =>
        TypedResults.Text(Serialize(new Message(text), Default.Message), ContentType, status);

    private sealed class Parts<T>(T body, JsonTypeInfo<T> type) : IResult
    {
        // An answer in parts makes its own writers, so that its serializer says how they escape.
        private static JsonTypeInfo<T>? _relaxed;

        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.ContentType = ContentType;
            return JsonSerializer.SerializeAsync(
                httpContext.Response.BodyWriter, body, _relaxed ??= Relax(type), httpContext.RequestAborted);
        }
    }

    private static JsonTypeInfo<T> Relax<T>(JsonTypeInfo<T> type) =>
        (JsonTypeInfo<T>)new JsonSerializerOptions(type.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }
            .GetTypeInfo(typeof(T));

    /// <summary>What a thread writes answers with, one after the other.</summary>
    private sealed class Scratch
    {
        public Scratch() => Writer = new(Buffer, _writing);

        public ArrayBufferWriter<byte> Buffer { get; } = new(1024);

        public Utf8JsonWriter Writer { get; }

        public void Reset()
        {
            Buffer.ResetWrittenCount();
            Writer.Reset();
        }
    }
}

/// <summary>The body of every answer that carries no result.</summary>
/// <param name="Text">What happened, in words.</param>
public sealed record Message([property: JsonPropertyName("message")] string Text);
