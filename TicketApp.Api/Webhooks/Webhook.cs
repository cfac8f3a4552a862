using System.Diagnostics.CodeAnalysis;
using System.Net;
using TicketApp.Api.Problems;

namespace TicketApp.Api.Webhooks;

/// <summary>What a ticket's user wants to be told of, by its bits in the database.</summary>
[Flags]
internal enum WebhookEvents : short
{
    None = 0,
    Started = 1,
    Finished = 2,
}

/// <summary>Where a ticket's user wants to be told what.</summary>
/// <param name="Url">Absolute, in its canonical form: what is stored, shown and called.</param>
/// <param name="Events">At least one.</param>
internal sealed record Webhook(string Url, WebhookEvents Events)
{
    public const int MaxUrl = 2000;
    public const string StartedEvent = "ticket.started";
    public const string FinishedEvent = "ticket.finished";

    private const int FirstUnprivilegedPort = 1024;

    /// <summary>Reads what a new ticket asks for. What is wrong with it goes to <paramref name="errors"/>.</summary>
    public static Webhook? Read(WebhookRequest request, WebhookOptions options, FieldErrors errors)
    {
        var events = WebhookEvents.None;
        foreach (var name in request.Events ?? [FinishedEvent])
        {
            events |= EventOf(name);
        }

        if (request.Events is { } names && (names.Count == 0 || names.Any(name => EventOf(name) == WebhookEvents.None)))
        {
            errors.Add("webhook.events", $"must be a list of at least one of: {StartedEvent}, {FinishedEvent}");
        }

        if (!TryReadUrl(request.Endpoint, options, out var url, out var error))
        {
            errors.Add("webhook.url", error);
            return null;
        }

        return new(url, events);
    }

    /// <summary>Checks an URL as far as can be without asking a name server: the address is checked at each connection.</summary>
    /// <param name="text">What the caller sent.</param>
    /// <param name="options">What is allowed.</param>
    /// <param name="url">Its canonical form.</param>
    /// <param name="error">What is wrong with it.</param>
    public static bool TryReadUrl(string? text, WebhookOptions options, [NotNullWhen(true)] out string? url, [NotNullWhen(false)] out string? error)
    {
        url = null;
        error = null;
        if (text is null || text.Length > MaxUrl || !TryCanonicalize(text, out var uri) || uri.AbsoluteUri.Length > MaxUrl)
        {
            error = $"must be an absolute URL with https, of at most {MaxUrl} characters";
        }
        else if (uri.Scheme != Uri.UriSchemeHttps && !options.AllowHttp)
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
        else if (!options.AllowPrivateAddresses && !IsPublicByName(uri))
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
            return (text.StartsWith("https://", StringComparison.OrdinalIgnoreCase) || text.StartsWith("http://", StringComparison.OrdinalIgnoreCase))
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

    private static WebhookEvents EventOf(string? name) => name switch
    {
        StartedEvent => WebhookEvents.Started,
        FinishedEvent => WebhookEvents.Finished,
        _ => WebhookEvents.None,
    };

    private static bool IsPublicByName(Uri uri) => uri.HostNameType switch
    {
        UriHostNameType.IPv4 or UriHostNameType.IPv6 => IPAddress.TryParse(uri.DnsSafeHost, out var address) && PublicInternet.Contains(address),
        _ => !uri.IsLoopback && uri.Host.TrimEnd('.') is var host && host.Contains('.', StringComparison.Ordinal) && !host.EndsWith(".localhost", StringComparison.Ordinal),
    };
}
