using System.Diagnostics.CodeAnalysis;
using System.Net;
using Microsoft.Extensions.Options;
using TicketApp.Api.Tickets;

namespace TicketApp.Api.Webhooks;

/// <summary>Where webhooks may go.</summary>
internal sealed class WebhookUrls(IOptions<WebhookOptions> options) : IWebhookUrls
{
    private const int FirstUnprivilegedPort = 1024;

    public bool TryRead(string? text, [NotNullWhen(true)] out string? url, [NotNullWhen(false)] out string? error)
    {
        url = null;
        error = null;
        if (text is null || text.Length > Webhook.MaxUrl || !TryCanonicalize(text, out var uri) || uri.AbsoluteUri.Length > Webhook.MaxUrl)
        {
            error = $"must be an absolute URL with https, of at most {Webhook.MaxUrl} characters";
        }
        else if (uri.Scheme != Uri.UriSchemeHttps && !options.Value.AllowHttp)
        {
            error = "must begin with https://";
        }
        else if (uri.UserInfo.Length > 0 || uri.Fragment.Length > 0)
        {
            error = "must not have a user name, a password or a fragment";
        }
        else if (uri.Port is not (80 or 443) and < FirstUnprivilegedPort)
        {
            error = $"must have port 80, 443 or one from {FirstUnprivilegedPort}";
        }
        else if (!options.Value.AllowPrivateAddresses && !IsPublicByName(uri))
        {
            error = "must lead to the public Internet";
        }
        else
        {
            url = uri.AbsoluteUri;
        }

        return error is null;
    }

    /// <summary>Reads an URL with its host in ASCII, so that what is checked is what is called.</summary>
    private static bool TryCanonicalize(string text, [NotNullWhen(true)] out Uri? uri)
    {
        try
        {
            uri = null;
            // Looked at first: on some texts without a scheme the framework's own reader fails.
            return (text.StartsWith("https://", StringComparison.OrdinalIgnoreCase)
                    || text.StartsWith("http://", StringComparison.OrdinalIgnoreCase))
                && Uri.TryCreate(text, UriKind.Absolute, out uri)
                && uri.IdnHost is { Length: > 0 } host
                && Uri.TryCreate(new UriBuilder(uri) { Host = host }.ToString(), UriKind.Absolute, out uri);
        }
        catch (UriFormatException)
        {
            // A host with characters that no name can have.
            uri = null;
            return false;
        }
    }

    private static bool IsPublicByName(Uri uri) => uri.HostNameType switch
    {
        UriHostNameType.IPv4 or UriHostNameType.IPv6 =>
            IPAddress.TryParse(uri.DnsSafeHost, out var address) && PublicInternet.Contains(address),
        _ => !uri.IsLoopback
            && uri.Host.TrimEnd('.') is var host
            && host.Contains('.', StringComparison.Ordinal)
            && !host.EndsWith(".localhost", StringComparison.Ordinal),
    };
}
