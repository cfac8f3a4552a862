using System.ComponentModel.DataAnnotations;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Http;
using TicketApp.Api.InputSchemas;
using TicketApp.Api.Storage;
using TicketApp.Messaging;

namespace TicketApp.Api.Tickets;

/// <summary>A ticket as it is submitted to the resource API.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record CreateTicket
{
    /// <summary>Whose ticket it is.</summary>
    [Required, SchemaFormat("uuid")]
    public string? UserId { get; init; }

    /// <summary>The model that is to answer. Default: <c>simulated</c>.</summary>
    public string? Model { get; init; }

    /// <summary>
    /// What the model is asked: text, or any other JSON value. It depends on the model: <c>GET /v1/models/{name}</c> has the JSON Schema
    /// of those that declare one, and an input that breaks it is refused with all that is wrong, each at its place: <c>input/prompt</c>.
    /// </summary>
    public Payload? Input { get; init; }

    /// <summary>How soon it comes when tickets wait: <c>low</c>, <c>normal</c> or <c>high</c>. Default: <c>normal</c>.</summary>
    [AllowedValues("low", "normal", "high")]
    public string? Priority { get; init; }

    /// <summary>How long it may take. Default: as the service is set up.</summary>
    public TicketPolicy? Policy { get; init; }

    /// <summary>Where to tell when it starts or ends. Default: nowhere.</summary>
    public WebhookRequest? Webhook { get; init; }
}

/// <summary>How long a ticket may take, in whole seconds.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record TicketPolicy
{
    // The most that Tickets:MaxDeadline may be.
    private const int MaxSeconds = 30 * 24 * 60 * 60;

    /// <summary>From creation to start; a ticket that nobody started by then ends as expired.</summary>
    [Range(1, MaxSeconds)]
    public int? QueueTtlS { get; init; }

    /// <summary>One run. Workers have a limit of their own, and the smaller one counts.</summary>
    [Range(1, MaxSeconds)]
    public int? ExecutionTimeoutS { get; init; }

    /// <summary>From creation to finish; a ticket over it ends as timed out.</summary>
    [Range(1, MaxSeconds)]
    public int? DeadlineS { get; init; }
}

/// <summary>
/// Reads a ticket that is submitted to the resource API strictly: what it does not know it refuses, and it says everything that is wrong.
/// </summary>
internal sealed class CreateTicketReader(ModelCatalog models, IOptions<TicketOptions> options, IWebhookUrls webhooks)
{
    private const string WrongType = "is no field of a ticket, is there twice, has the wrong type, or is text that is not valid Unicode";

    /// <summary>Reads <paramref name="json"/>.</summary>
    /// <param name="json">The ticket as it was sent.</param>
    /// <param name="batch">What is left for the checks of inputs, where it is one of many.</param>
    /// <returns>The ticket, or what is wrong with it.</returns>
    public (NewTicket? Ticket, Problem? Problem) Read(JsonElement json, BatchEffort? batch = null)
    {
        FieldErrors errors = new();
        if (json.ValueKind != JsonValueKind.Object)
        {
            return (null, ProblemType.InvalidRequest.With("A ticket is a JSON object with at least the field user_id."));
        }

        try
        {
            return Read(json.Deserialize(TicketJson.Default.CreateTicket)!, errors, batch);
        }
        catch (JsonException exception)
        {
            var field = exception.Path?.TrimStart('$', '.') is { Length: > 0 and < 100 } path ? path : "body";
            errors.Add(field, exception.Message == Payload.TooDeep ? Payload.TooDeep : WrongType);
            return (null, errors.ToProblem());
        }
        catch (InvalidOperationException)
        {
            errors.Add("body", "contains an escape that is half a character");
            return (null, errors.ToProblem());
        }
    }

    /// <summary>Reads what another API's request comes to.</summary>
    /// <returns>The ticket, or what is wrong with it.</returns>
    public (NewTicket? Ticket, Problem? Problem) Read(CreateTicket request) => Read(request, new(), batch: null);

    private (NewTicket? Ticket, Problem? Problem) Read(CreateTicket request, FieldErrors errors, BatchEffort? batch)
    {
        if (string.IsNullOrEmpty(request.UserId))
        {
            errors.Add("user_id", "is required");
        }

        var isBounded = request.Input is { } input && CheckInput(input.Text, errors);
        var priority = TicketPriorityNames.Parse(request.Priority ?? "normal");
        if (priority is null)
        {
            errors.Add("priority", $"must be one of: {string.Join(", ", TicketPriorityNames.All)}");
        }

        CheckSeconds("policy.queue_ttl_s", request.Policy?.QueueTtlS, errors);
        CheckSeconds("policy.execution_timeout_s", request.Policy?.ExecutionTimeoutS, errors);
        CheckSeconds("policy.deadline_s", request.Policy?.DeadlineS, errors);
        var webhook = request.Webhook is { } asked ? Webhook.Read(asked, webhooks, errors) : null;
        var modelIsKnown = models.TryGet(request.Model ?? models.Default, out var model);
        if (!modelIsKnown)
        {
            errors.Add("model", $"must be one of: {string.Join(", ", models.All.Select(known => known.Name))}");
        }
        else if (model!.Defect(request.Input) is { } defect)
        {
            errors.Add("input", defect);
        }
        else if (isBounded)
        {
            model.Check?.Check(request.Input!.Value, errors, batch);
        }

        return errors.Any
            ? (null, errors.ToProblem(modelIsKnown ? null : ProblemType.UnknownModel))
            : (ToTicket(request, priority!.Value, webhook), null);
    }

    private NewTicket ToTicket(CreateTicket request, TicketPriority priority, Webhook? webhook)
    {
        // A string that is no UUID is no user's id.
        var userId = Guid.TryParseExact(request.UserId, "D", out var id) ? id : Guid.Empty;
        return new(Guid.CreateVersion7(), userId, priority)
        {
            Model = request.Model ?? models.Default,
            Input = request.Input,
            QueueTtlS = request.Policy?.QueueTtlS,
            ExecutionTimeoutS = request.Policy?.ExecutionTimeoutS,
            DeadlineS = request.Policy?.DeadlineS,
            Webhook = webhook,
        };
    }

    /// <summary>Whether it is no longer than any input may be.</summary>
    private bool CheckInput(string input, FieldErrors errors)
    {
        var isBounded = Encoding.UTF8.GetByteCount(input) <= options.Value.MaxInputBytes;
        if (!isBounded)
        {
            errors.Add("input", $"must be at most {options.Value.MaxInputBytes} bytes long");
        }

        if (input.Contains('\0', StringComparison.Ordinal))
        {
            errors.Add("input", "must not contain the character NUL");
        }

        return isBounded;
    }

    private void CheckSeconds(string field, int? seconds, FieldErrors errors)
    {
        var longest = (int)options.Value.MaxDeadline.TotalSeconds;
        if (seconds < 1 || seconds > longest)
        {
            errors.Add(field, $"must be from 1 to {longest} seconds");
        }
    }
}

/// <summary>A ticket to store. One of the original API has an id and a user, and all else as the service is set up.</summary>
/// <param name="TicketId">A new UUID of version 7.</param>
/// <param name="UserId">Whose it is; may turn out not to exist.</param>
/// <param name="Priority">How soon it comes when tickets wait.</param>
internal sealed record NewTicket(Guid TicketId, Guid UserId, TicketPriority Priority = TicketPriority.Normal)
{
    /// <summary>The model that is to answer; null, for a ticket of the original API: <see cref="TicketOptions.DefaultModel"/>.</summary>
    public string? Model { get; init; }

    /// <summary>What it is asked.</summary>
    public Payload? Input { get; init; }

    /// <summary>Seconds from creation to start; null: <see cref="TicketOptions.QueueTtl"/>.</summary>
    public int? QueueTtlS { get; init; }

    /// <summary>Seconds of one run; null: the worker's limit.</summary>
    public int? ExecutionTimeoutS { get; init; }

    /// <summary>Seconds from creation to finish; null: <see cref="TicketOptions.Deadline"/>.</summary>
    public int? DeadlineS { get; init; }

    /// <summary>Where to tell of it; null: nowhere.</summary>
    public Webhook? Webhook { get; init; }

    /// <summary>By what a repetition of its submission is known; null if the caller gave nothing.</summary>
    public IdempotencyKey? Key { get; init; }

    /// <summary>The span of the request; null if it is not traced.</summary>
    public string? TraceParent { get; init; }
}

/// <summary>
/// A ticket that was stored, as far as the database decided it. Of tickets of the original API, whose callers do not ask, nothing is known.
/// </summary>
/// <param name="Status">Queued or dispatched.</param>
/// <param name="MaxAttempts">How many attempts it has.</param>
/// <param name="Created">When it was created.</param>
/// <param name="Expires">Its deadline.</param>
internal readonly record struct StoredTicket(TicketStatus Status, int MaxAttempts, DateTime Created, DateTime Expires)
{
    /// <summary>Whether it was not stored, because its user has as many open tickets as one may have.</summary>
    public bool IsRefused { get; init; }

    /// <summary>A ticket that was just stored, without asking for it.</summary>
    public TicketRecord ToRecord(NewTicket ticket) => new()
    {
        TicketId = ticket.TicketId,
        UserId = ticket.UserId,
        Status = Status,
        Model = ticket.Model!,
        Input = ticket.Input,
        Priority = ticket.Priority,
        Attempt = Status == TicketStatus.Dispatched ? 1 : 0,
        MaxAttempts = MaxAttempts,
        Epoch = Status == TicketStatus.Dispatched ? 1 : 0,
        Created = Created,
        Expires = Expires,
        DeadlineS = ticket.DeadlineS,
    };
}

/// <summary>What became of a batch of new tickets.</summary>
/// <param name="Stored">Those that were stored, by id; the user of any other is unknown.</param>
/// <param name="Dispatched">Those of them to publish now.</param>
internal sealed record Creation(IReadOnlyDictionary<Guid, StoredTicket> Stored, IReadOnlyList<TicketMessage> Dispatched);
