using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http.Features;

namespace TicketApp.Api.Http;

/// <summary>The JSON body of a request to the resource API, or what is wrong with it.</summary>
/// <param name="Bytes">As it came.</param>
/// <param name="Root">What it holds; undefined where there is a problem.</param>
/// <param name="Problem">What is wrong with it.</param>
internal readonly record struct JsonBody(byte[] Bytes, JsonElement Root, Problem? Problem)
{
    /// <summary>How deep a body with inputs is read: what an input may not, its reader says, of each ticket of a batch by itself.</summary>
    public const int MaxDepthWithInputs = 1000;

    private const int MaxDepth = 32;

    private static readonly JsonDocumentOptions _strict = new() { AllowDuplicateProperties = false, MaxDepth = MaxDepth };

    // An input may have a name twice. Of all other fields, who reads them looks.
    private static readonly JsonDocumentOptions _withInputs = new() { MaxDepth = MaxDepthWithInputs };

    public static Task<JsonBody> ReadAsync(HttpRequest request, CancellationToken cancellationToken) =>
        ReadAsync(request, _strict, cancellationToken);

    /// <summary>The same of a body with inputs of tickets, which are any JSON.</summary>
    public static Task<JsonBody> ReadWithInputsAsync(HttpRequest request, CancellationToken cancellationToken) =>
        ReadAsync(request, _withInputs, cancellationToken);

    private static async Task<JsonBody> ReadAsync(HttpRequest request, JsonDocumentOptions options, CancellationToken cancellationToken)
    {
        if (request.ContentType is not null && !request.HasJsonContentType())
        {
            return Refuse(ProblemAnswers.NotJson);
        }

        // As long as the caller says, so that nothing is copied; but no longer than a body may be.
        var most = request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize ?? 0;
        using MemoryStream buffer = new((int)Math.Clamp(request.ContentLength ?? 0, 0, most));
        await request.CopyBodyToAsync(buffer, cancellationToken);
        var bytes = buffer.Length == buffer.Capacity ? buffer.GetBuffer() : buffer.ToArray();
        // RFC 8259 lets readers ignore a byte order mark, which some programs cannot help writing.
        var text = bytes.AsSpan().StartsWith("\uFEFF"u8) ? bytes.AsSpan(3) : bytes;
        return TryParse(text, options, out var root, out var defect)
            ? new(bytes, root, null)
            : Refuse(ProblemType.InvalidRequest.With(defect));
    }

    /// <summary>Reads JSON as strictly as every body is read here.</summary>
    /// <param name="bytes">All of it.</param>
    /// <param name="root">What it holds.</param>
    /// <param name="defect">What is wrong with it, as a sentence.</param>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out JsonElement root, [NotNullWhen(false)] out string? defect) =>
        TryParse(bytes, _strict, out root, out defect);

    private static bool TryParse(
        ReadOnlySpan<byte> bytes, JsonDocumentOptions options, out JsonElement root, [NotNullWhen(false)] out string? defect)
    {
        (root, defect) = (default, null);
        // The JSON reader looks at the bytes of a string only when the string is asked for.
        if (!Utf8.IsValid(bytes))
        {
            defect = "The body must be UTF-8.";
            return false;
        }

        try
        {
            root = JsonElement.Parse(bytes, options);
        }
        catch (JsonException exception)
        {
            // A property that is there twice has a name and no place.
            var unique = options.AllowDuplicateProperties ? "" : "with no property twice and ";
            defect = $"The body must be JSON, {unique}no deeper than {options.MaxDepth}. "
                + (exception.LineNumber is null
                    ? exception.Message
                    : $"It is not at line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}.");
        }
        catch (InvalidOperationException)
        {
            defect = "The body has an escape that is half a character.";
        }

        return defect is null;
    }

    private static JsonBody Refuse(Problem problem) => new([], default, problem);
}
