using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;
using TicketApp.Messaging.Tracing;

namespace TicketApp.Api.Webhooks;

/// <summary>Makes one attempt: signs the payload, sends it, and says how it went. Never throws for what a receiver can cause.</summary>
internal sealed class WebhookSender(
    SecretStore secrets, IEnumerable<IWebhookForm> forms, IOptions<WebhookOptions> options, IOptions<RetentionOptions> retention,
    TimeProvider time)
    : IDisposable
{
    // Far more than is kept to (RetrySchedule), and within what a TimeSpan holds.
    private const double MaxRetryAfterSeconds = 1e9;

    private readonly HttpMessageInvoker _http = new(WebhookTransport.CreateHandler(options.Value));

    public async Task<AttemptResult> SendAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        if (delivery.EndpointIsOff)
        {
            return new(null, "endpoint_off", TimeSpan.Zero);
        }

        HttpRequestMessage request;
        try
        {
            request = await CreateRequestAsync(delivery, cancellationToken);
        }
        catch (CryptographicException)
        {
            return new(null, "secret_unreadable", TimeSpan.Zero);
        }

        using var span = TicketTrace.StartShared("deliver webhook", [delivery.TraceParent])?
            .SetTag(TicketTrace.TicketIdTag, delivery.Ticket.TicketId.ToString())
            .SetTag("ticketapp.webhook.attempt", delivery.Attempt)
            .SetTag("server.address", delivery.Url.IdnHost)
            .SetTag("server.port", delivery.Url.Port);
        using (request)
        {
            var result = await SendAsync(request, cancellationToken);
            span?.SetTag("http.response.status_code", result.StatusCode).SetTag("error.type", result.Error);
            return result;
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<AttemptResult> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.Value.Timeout);
        var started = Stopwatch.GetTimestamp();
        try
        {
            using var response = await _http.SendAsync(request, limit.Token);
            return new((int)response.StatusCode, null, Stopwatch.GetElapsedTime(started), RetryAfter(response, time.GetUtcNow()));
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            return new(null, ErrorOf(exception) ?? "http_error", Stopwatch.GetElapsedTime(started));
        }
    }

    /// <summary>What the log of deliveries tells of an exception: a word, and nothing that a receiver or a name server said.</summary>
    private static string? ErrorOf(Exception exception) => exception switch
    {
        OperationCanceledException or TimeoutException => "timeout",
        HttpRequestException { InnerException: { } inner } when ErrorOf(inner) is { } cause => cause,
        HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } => "name_not_resolved",
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => "tls_failed",
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError } => "connection_failed",
        HttpRequestException { HttpRequestError: HttpRequestError.ResponseEnded } => "connection_closed",
        HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded } => "answer_too_large",
        PrivateAddressException => "address_not_public",
        SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain } => "name_not_resolved",
        SocketException { SocketErrorCode: SocketError.TimedOut } => "timeout",
        SocketException => "connection_failed",
        _ => null,
    };

    private async Task<HttpRequestMessage> CreateRequestAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        var payload = Write(delivery);
        var timestamp = time.GetUtcNow().ToUnixTimeSeconds();
        var valid = await secrets.ValidAsync(delivery.Ticket.UserId, cancellationToken);
        if (valid.Count == 0)
        {
            throw new CryptographicException("The user is erased.");
        }

        return new(HttpMethod.Post, delivery.Url)
        {
            // HTTP/2 where TLS negotiates it, else HTTP/1.1.
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
            Content = new ByteArrayContent(payload) { Headers = { ContentType = new("application/json", "utf-8") } },
            Headers =
            {
                { "User-Agent", "TicketApp-Webhooks/1" },
                { "webhook-id", delivery.MessageId },
                { "webhook-timestamp", timestamp.ToString(CultureInfo.InvariantCulture) },
                { "webhook-signature", WebhookSignature.Sign(valid, delivery.MessageId, timestamp, payload) },
            },
        };
    }

    private byte[] Write(Delivery delivery)
    {
        if (delivery.Form?.Split(' ', 2) is [var name, var context] && forms.FirstOrDefault(form => form.Name == name) is { } form)
        {
            return form.Write(delivery, context);
        }

        return ApiJson.Serialize(
            new(delivery.Event, delivery.Created, delivery.Truncated, TicketResource.Of(delivery.Ticket, retention.Value)),
            WebhookJson.Default.WebhookPayload);
    }

    /// <summary>What the receiver asked to wait: seconds, which may have a fraction though RFC 9110 has none, or a time.</summary>
    internal static TimeSpan? RetryAfter(HttpResponseMessage response, DateTimeOffset now) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - now,
        _ when response.Headers.NonValidated.TryGetValues("Retry-After", out var values)
            && double.TryParse(values.ToString(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) =>
            TimeSpan.FromSeconds(Math.Min(seconds, MaxRetryAfterSeconds)),
        _ => null,
    };
}

/// <summary>Writes the bodies of webhooks in another way than as events of the resource API. A façade implements it.</summary>
internal interface IWebhookForm
{
    /// <summary>What <see cref="Webhook.Form"/> begins with.</summary>
    string Name { get; }

    /// <summary>Writes the body of a delivery.</summary>
    /// <param name="delivery">The event, with the ticket as it left it.</param>
    /// <param name="context">What stands after the name in <see cref="Webhook.Form"/>.</param>
    byte[] Write(Delivery delivery, string context);
}

/// <summary>Signatures by the Standard Webhooks specification, symmetric form: HMAC-SHA256 over <c>id.timestamp.payload</c>.</summary>
internal static class WebhookSignature
{
    public const string SecretPrefix = "whsec_";

    /// <summary>The specification allows 24 to 64 bytes.</summary>
    public const int SecretBytes = 32;

    /// <summary>The value of <c>webhook-signature</c>: a signature for each secret, separated by spaces, and the first again.</summary>
    public static string Sign(IEnumerable<byte[]> secrets, string id, long timestamp, ReadOnlySpan<byte> payload)
    {
        byte[] signed = [.. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{timestamp}.")), .. payload];
        string[] signatures = [.. secrets.Select(secret => $"v1,{Convert.ToBase64String(HMACSHA256.HashData(secret, signed))}")];
        // StandardWebhooks 1.1 for .NET looks at the last of several only where it is the first: so the last is no new one.
        return string.Join(' ', signatures.Length == 1 ? signatures : [.. signatures, signatures[0]]);
    }

    /// <summary>A secret as its user sees it.</summary>
    public static string Format(byte[] secret) => SecretPrefix + Convert.ToBase64String(secret);
}
