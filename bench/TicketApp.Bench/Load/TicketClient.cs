using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace TicketApp.Bench.Load;

/// <summary>A caller of the original HTTP API, with a fixed number of keep-alive connections.</summary>
internal sealed class TicketClient(Uri address, int connections) : IDisposable
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    private readonly Uri _users = new(address, "/user");
    private readonly Uri _tickets = new(address, "/ticket");
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler
    {
        MaxConnectionsPerServer = connections,
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        ActivityHeadersPropagator = null,
    });

    private long _requests;

    /// <summary>How many requests were sent.</summary>
    public long Requests => Interlocked.Read(ref _requests);

    public async Task<string> CreateUserAsync(CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, _users) { Content = new ByteArrayContent([]) };
        var (status, body) = await SendAsync(request, cancellationToken);
        return status == HttpStatusCode.OK ? Value(body, "user_id") : throw new HttpRequestException($"POST /user: {status}");
    }

    /// <summary>Creates a ticket.</summary>
    /// <returns>Its id; null if the service refused it (an answer of 500 and more).</returns>
    public async Task<string?> CreateTicketAsync(byte[] body, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, _tickets) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = Json;
        var (status, answer) = await SendAsync(request, cancellationToken);
        return status switch
        {
            HttpStatusCode.OK => Value(answer, "ticket_id"),
            >= HttpStatusCode.InternalServerError => null,
            _ => throw new HttpRequestException($"POST /ticket: {status}"),
        };
    }

    public async Task<TicketAnswer> GetTicketAsync(string ticketId, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, new Uri($"{_tickets}?ticket_id={ticketId}"));
        var (status, body) = await SendAsync(request, cancellationToken);
        return new(status, body);
    }

    /// <summary>The body of <c>POST /ticket</c> for a user.</summary>
    public static byte[] TicketBody(string userId) => Encoding.UTF8.GetBytes($$"""{"user_id":"{{userId}}"}""");

    public void Dispose() => _http.Dispose();

    private async Task<(HttpStatusCode Status, string Body)> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _requests);
        using var response = await _http.SendAsync(request, cancellationToken);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken));
    }

    private static string Value(string json, string name)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.GetProperty(name).GetString()!;
    }
}
