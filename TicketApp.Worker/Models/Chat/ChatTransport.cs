namespace TicketApp.Worker.Models.Chat;

/// <summary>Lets through what may be an answer, and reads nothing of any other.</summary>
internal sealed class ChatTransport(TimeProvider time) : DelegatingHandler
{
    private static readonly TimeSpan _connectTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _connectionLifetime = TimeSpan.FromMinutes(5);

    /// <summary>The connections to the endpoint.</summary>
    public static SocketsHttpHandler CreateHandler(ChatModelOptions options) => new()
    {
        // Another address would get the prompt.
        AllowAutoRedirect = false,
        UseProxy = options.UseProxy,
        UseCookies = false,
        ConnectTimeout = _connectTimeout,
        PooledConnectionLifetime = _connectionLifetime,
        // An answer that is not wanted any more ends with its connection, which tells the endpoint to stop.
        MaxResponseDrainSize = 0,
    };

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);
        if (response.StatusCode != System.Net.HttpStatusCode.OK)
        {
            using (response)
            {
                throw ChatFailures.Of(response, time);
            }
        }

        StreamContent content = new(new BoundedEventStream(await response.Content.ReadAsStreamAsync(cancellationToken)));
        content.Headers.ContentType = response.Content.Headers.ContentType;
        response.Content = content;
        return response;
    }
}
