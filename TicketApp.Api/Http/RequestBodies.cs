using System.IO.Pipelines;

namespace TicketApp.Api.Http;

/// <summary>
/// Reads the bodies of requests. What fails then is the request's fault, or its caller has gone, and says nothing of the database: Kestrel
/// has plain <see cref="IOException"/> for some of it, such as a chunk that is said to be longer than any can be.
/// </summary>
internal static class RequestBodies
{
    /// <exception cref="BadHttpRequestException">It cannot be read.</exception>
    public static async Task CopyBodyToAsync(this HttpRequest request, Stream destination, CancellationToken cancellationToken)
    {
        try
        {
            await request.Body.CopyToAsync(destination, cancellationToken);
        }
        catch (IOException exception) when (exception is not BadHttpRequestException)
        {
            throw Unreadable(exception);
        }
    }

    /// <exception cref="BadHttpRequestException">It cannot be read.</exception>
    public static async ValueTask<ReadResult> ReadBodyAsync(this HttpRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return await request.BodyReader.ReadAsync(cancellationToken);
        }
        catch (IOException exception) when (exception is not BadHttpRequestException)
        {
            throw Unreadable(exception);
        }
    }

    private static BadHttpRequestException Unreadable(IOException exception) => new("The body cannot be read.", exception);
}
