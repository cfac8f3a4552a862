using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Primitives;
using TicketApp.Api.Http;
using TicketApp.Api.Tickets;
using TicketApp.Messaging;

namespace TicketApp.Api.Facades.Replicate;

/// <summary>A prediction as it is asked for.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record CreatePrediction
{
    /// <summary>The model, where the path does not name it.</summary>
    public string? Version { get; init; }

    /// <summary>What the model is asked: an object.</summary>
    public Payload? Input { get; init; }

    /// <summary>Of no effect: there is always a URL to stream from.</summary>
    public bool? Stream { get; init; }

    /// <summary>Where to tell when it starts or ends.</summary>
    public string? Webhook { get; init; }

    /// <summary>What to tell: <c>start</c>, <c>completed</c>. Nothing is sent for <c>output</c> and <c>logs</c>.</summary>
    public IReadOnlyList<string?>? WebhookEventsFilter { get; init; }
}

/// <summary>Reads predictions as tickets.</summary>
internal sealed partial class PredictionReader(CreateTicketReader tickets)
{
    private const string CancelAfter = "Cancel-After";
    private const string VersionField = "version";
    private const string WebhookField = "webhook";
    private const string FilterField = "webhook_events_filter";
    private const string InputField = "input";
    private const string WrongType = "is no field of a prediction, is there twice, or has the wrong type";

    /// <summary>Reads a request.</summary>
    /// <param name="request">Its headers.</param>
    /// <param name="body">Its body.</param>
    /// <param name="model">The model that its path names; null: the body does.</param>
    /// <param name="userId">Who asks.</param>
    /// <returns>The ticket, or what is wrong.</returns>
    public (NewTicket? Ticket, Problem? Problem) Read(HttpRequest request, JsonBody body, string? model, Guid userId)
    {
        if (body.Problem is { } unreadable)
        {
            return (null, unreadable);
        }

        FieldErrors errors = new();
        if (Parse(body.Root, errors) is not { } prediction)
        {
            return (null, errors.ToProblem());
        }

        Check(prediction, isInPath: model is not null, errors);
        var events = EventsOf(prediction.WebhookEventsFilter, errors);
        var deadline = ReadDuration(request.Headers[CancelAfter], errors);
        model ??= ModelOf(prediction.Version ?? "");
        var key = IdempotencyKey.Read(request.Headers[IdempotencyHeader.Name], [.. Encoding.UTF8.GetBytes(model), 0, .. body.Bytes]);
        if (errors.Any || key.Problem is not null)
        {
            return (null, errors.Any ? errors.ToProblem() : key.Problem);
        }

        var (ticket, problem) = tickets.Read(new CreateTicket
        {
            UserId = userId.ToString(),
            Model = model,
            Input = prediction.Input,
            Policy = new() { DeadlineS = deadline },
            Webhook = prediction.Webhook is { } url ? new() { Endpoint = url } : null,
        });
        if (ticket is null)
        {
            return (null, Rename(problem!));
        }

        var webhook = ticket.Webhook is null || events == WebhookEvents.None ? null
            : ticket.Webhook with { Events = events, Form = $"{PredictionWebhook.FormName} {ReplicateFacade.RootOf(request)}" };
        return (ticket with { Key = key.Key, Webhook = webhook }, null);
    }

    /// <summary>The name in <c>name</c>, <c>owner/name</c> or <c>owner/name:version</c>.</summary>
    internal static string ModelOf(string version) => version.Split('/', 2)[^1].Split(':', 2)[0];

    /// <summary>Seconds of a time such as <c>90</c>, <c>90s</c>, <c>15m</c> or <c>1h30m</c>.</summary>
    internal static int? ReadDuration(StringValues header, FieldErrors errors)
    {
        if (header.Count == 0)
        {
            return null;
        }

        if (header is [{ Length: > 0 } text] && Duration.Match(text) is { Success: true } match)
        {
            return (Part("h") * 3600) + (Part("m") * 60) + Part("s");

            int Part(string name) => match.Groups[name] is { Success: true, Value: var digits }
                ? int.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture)
                : 0;
        }

        errors.Add(CancelAfter, "must be a time such as 90, 90s, 15m or 1h30m");
        return null;
    }

    /// <summary>What is wrong with a ticket, by the names of this API.</summary>
    private static Problem Rename(Problem problem) => problem with
    {
        Errors = problem.Errors?.ToDictionary(
            error => error.Key switch
            {
                "model" => VersionField,
                "policy.deadline_s" => CancelAfter,
                "webhook.url" => WebhookField,
                // A JSON pointer below the input.
                var name => name.Replace('/', '.'),
            },
            error => error.Value),
    };

    private static CreatePrediction? Parse(JsonElement json, FieldErrors errors)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            errors.Add("body", "must be an object");
            return null;
        }

        try
        {
            return json.Deserialize(ReplicateJson.Default.CreatePrediction);
        }
        catch (JsonException exception)
        {
            var field = exception.Path?.TrimStart('$', '.') is { Length: > 0 and < 100 } path ? path : "body";
            errors.Add(field, exception.Message == Payload.TooDeep ? Payload.TooDeep : WrongType);
        }
        catch (InvalidOperationException)
        {
            errors.Add("body", "contains an escape that is half a character");
        }

        return null;
    }

    private static void Check(CreatePrediction prediction, bool isInPath, FieldErrors errors)
    {
        if (isInPath && prediction.Version is not null)
        {
            errors.Add(VersionField, "is no field where the path names the model");
        }
        else if (!isInPath && string.IsNullOrEmpty(prediction.Version))
        {
            errors.Add(VersionField, "is required");
        }

        if (prediction.Input is not { } input)
        {
            errors.Add(InputField, "is required");
        }
        else if (!input.IsJson || !input.Text.StartsWith('{'))
        {
            errors.Add(InputField, "must be an object");
        }
    }

    private static WebhookEvents EventsOf(IReadOnlyList<string?>? filter, FieldErrors errors)
    {
        if (filter is null or [])
        {
            return WebhookEvents.Finished;
        }

        var events = WebhookEvents.None;
        foreach (var name in filter)
        {
            switch (name)
            {
                case "start":
                    events |= WebhookEvents.Started;
                    break;
                case "completed":
                    events |= WebhookEvents.Finished;
                    break;
                case "output" or "logs":
                    break;
                default:
                    errors.Add(FilterField, "must be a list of: start, output, logs, completed");
                    return events;
            }
        }

        return events;
    }

    [GeneratedRegex(@"^(?=\d)((?<h>\d{1,5})h)?((?<m>\d{1,7})m)?((?<s>\d{1,8})s?)?$", RegexOptions.ExplicitCapture)]
    private static partial Regex Duration { get; }
}
