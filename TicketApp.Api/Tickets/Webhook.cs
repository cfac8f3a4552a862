using System.ComponentModel.DataAnnotations;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;
using TicketApp.Api.Http;

namespace TicketApp.Api.Tickets;

/// <summary>What a ticket's user wants to be told about, by its bits in the database.</summary>
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
/// <param name="Form">
/// How the bodies are written: null for events of the resource API, else the name of the form, a space, and what it needs to know.
/// </param>
internal sealed record Webhook(string Url, WebhookEvents Events, string? Form = null)
{
    public const int MaxUrl = 2000;
    public const string StartedEvent = "ticket.started";
    public const string FinishedEvent = "ticket.finished";

    /// <summary>Reads what a new ticket asks for. What is wrong with it goes to <paramref name="errors"/>.</summary>
    public static Webhook? Read(WebhookRequest request, IWebhookUrls urls, FieldErrors errors)
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

        if (!urls.TryRead(request.Endpoint, out var url, out var error))
        {
            errors.Add("webhook.url", error);
            return null;
        }

        return new(url, events);
    }

    private static WebhookEvents EventOf(string? name) => name switch
    {
        StartedEvent => WebhookEvents.Started,
        FinishedEvent => WebhookEvents.Finished,
        _ => WebhookEvents.None,
    };
}

/// <summary>Where to tell of a new ticket, and what.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record WebhookRequest
{
    /// <summary>Absolute, https, of the public Internet, with port 80, 443 or one from 1024, at most 2,000 characters.</summary>
    [JsonPropertyName("url"), Required, SchemaLength(Webhook.MaxUrl), SchemaFormat("uri")]
    public string? Endpoint { get; init; }

    /// <summary><c>ticket.started</c>, <c>ticket.finished</c> or both. Default: <c>ticket.finished</c>.</summary>
    [AllowedValues(Webhook.StartedEvent, Webhook.FinishedEvent), SchemaLength(int.MaxValue, Min = 1)]
    public IReadOnlyList<string?>? Events { get; init; }
}

/// <summary>Reads where webhooks may go; <c>Webhooks</c> implements it.</summary>
internal interface IWebhookUrls
{
    /// <summary>Checks an URL as far as possible without asking a name server: the address is checked at each connection.</summary>
    /// <param name="text">What the caller sent.</param>
    /// <param name="url">Its canonical form.</param>
    /// <param name="error">What is wrong with it.</param>
    bool TryRead(string? text, [NotNullWhen(true)] out string? url, [NotNullWhen(false)] out string? error);
}
