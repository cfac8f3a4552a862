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
    private const int DeepestNesting = 32;

    private static readonly JsonDocumentOptions _strict = new() { AllowDuplicateProperties = false, MaxDepth = DeepestNesting };

    public static async Task<JsonBody> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (request.ContentType is not null && !request.HasJsonContentType())
        {
            return Refuse(ProblemAnswers.NotJson);
        }

        // As long as the caller says, so that nothing is copied; but no longer than a body may be.
        var most = request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize ?? 0;
        using MemoryStream buffer = new((int)Math.Clamp(request.ContentLength ?? 0, 0, most));
        await request.Body.CopyToAsync(buffer, cancellationToken);
        var bytes = buffer.Length == buffer.Capacity ? buffer.GetBuffer() : buffer.ToArray();
        // The JSON reader looks at the bytes of a string only when the string is asked for.
        if (!Utf8.IsValid(bytes))
        {
            return Refuse(ProblemType.InvalidRequest.With("The body must be UTF-8."));
        }

        try
        {
            return new(bytes, JsonElement.Parse(bytes, _strict), null);
        }
        catch (JsonException exception)
        {
            return Refuse(ProblemType.InvalidRequest.With(
                $"The body must be JSON, with no property twice and no deeper than {DeepestNesting}. "
                + $"It is not at line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}."));
        }
        catch (InvalidOperationException)
        {
            return Refuse(ProblemType.InvalidRequest.With("The body has an escape that is half a character."));
        }
    }

    private static JsonBody Refuse(Problem problem) => new([], default, problem);
}
