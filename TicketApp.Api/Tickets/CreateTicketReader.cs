using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;
using TicketApp.Messaging;

namespace TicketApp.Api.Tickets;

/// <summary>
/// Reads a ticket that is submitted to the resource API strictly: what it does not know it refuses, and it says everything that is wrong.
/// </summary>
internal sealed class CreateTicketReader(ModelCatalog models, IOptions<TicketOptions> options, IWebhookUrls webhooks)
{
    private const string WrongType = "is no field of a ticket, is there twice, has the wrong type, or is text that is not valid Unicode";

    /// <summary>Reads <paramref name="json"/>.</summary>
    /// <returns>The ticket, or what is wrong with it.</returns>
    public (NewTicket? Ticket, Problem? Problem) Read(JsonElement json)
    {
        FieldErrors errors = new();
        if (json.ValueKind != JsonValueKind.Object)
        {
            return (null, ProblemType.InvalidRequest.With("A ticket is a JSON object with at least the field user_id."));
        }

        try
        {
            return Read(json.Deserialize(TicketJson.Default.CreateTicket)!, errors);
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

    private (NewTicket? Ticket, Problem? Problem) Read(CreateTicket request, FieldErrors errors)
    {
        if (string.IsNullOrEmpty(request.UserId))
        {
            errors.Add("user_id", "is required");
        }

        if (request.Input is { } input)
        {
            CheckInput(input.Text, errors);
        }

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
            Details = new(
                request.Model ?? models.Default, request.Input,
                request.Policy?.QueueTtlS, request.Policy?.ExecutionTimeoutS, request.Policy?.DeadlineS, webhook),
        };
    }

    private void CheckInput(string input, FieldErrors errors)
    {
        if (Encoding.UTF8.GetByteCount(input) > options.Value.MaxInputBytes)
        {
            errors.Add("input", $"must be at most {options.Value.MaxInputBytes} bytes long");
        }

        if (input.Contains('\0', StringComparison.Ordinal))
        {
            errors.Add("input", "must not contain the character NUL");
        }
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
