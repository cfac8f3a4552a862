using System.Text.Json;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;
using TicketApp.Messaging;

namespace TicketApp.Api.Facades.OpenAi;

/// <summary>Makes tickets of requests.</summary>
internal sealed class OpenAiTickets(ModelCatalog models, CreateTicketReader requests, TicketSubmitter tickets)
{
    /// <summary>The models of the kind that requests can name.</summary>
    public IEnumerable<KnownModel> Models => models.All.Where(model => model.Kind == ChatInput.ModelKind);

    /// <summary>Reads the body of a request.</summary>
    /// <returns>Its fields and its bytes, or the answer that says what is wrong with it.</returns>
    public static async Task<(RequestFields? Fields, byte[] Body, IResult? Refusal)> ReadAsync(
        HttpRequest request, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(request, cancellationToken);
        var error = body.Problem is { } problem ? OpenAiError.Of(problem)
            : body.Root.ValueKind != JsonValueKind.Object ? OpenAiError.Invalid(null, "invalid_type", "The body must be a JSON object.")
            : !MessageReader.IsWritable(body.Root)
                ? OpenAiError.Invalid(null, "invalid_value", "The body has an escape that is half a character.")
            : null;
        return error is null ? (new(body.Root), body.Bytes, null) : (null, [], error.ToResult());
    }

    /// <summary>The model that a request names, or why it cannot be asked.</summary>
    public OpenAiError? DefectOf(string model) =>
        !models.TryGet(model, out var known) ? NoSuchModel(model)
        : known.Kind != ChatInput.ModelKind
            ? OpenAiError.NotFound($"The model '{known.Name}' is not a chat model. GET /models lists those.", "model", "model_not_found")
        : null;

    private static OpenAiError NoSuchModel(string model) => OpenAiError.NotFound(
        $"The model '{(model.Length <= 100 ? model : model[..100])}' does not exist.", "model", "model_not_found");

    /// <summary>Stores a ticket, or finds the one that the request's idempotency key stands for.</summary>
    /// <returns>The ticket and whether its caller can find it again by its key, or the answer that says what is wrong.</returns>
    public async Task<(TicketRecord? Row, bool IsKeyed, IResult? Refusal)> SubmitAsync(
        HttpContext context, FacadeCaller caller, byte[] body, AskedTicket asked)
    {
        if (DefectOf(asked.Model) is { } defect)
        {
            return (null, false, defect.ToResult());
        }

        var (key, unusable) = IdempotencyKey.Read(context.Request.Headers[IdempotencyHeader.Name], body);
        var (ticket, problem) = requests.Read(new CreateTicket
        {
            UserId = caller.UserId.ToString(),
            Model = asked.Model,
            Input = asked.Input,
            Priority = asked.Priority,
        });
        if (ticket is null || unusable is not null)
        {
            var error = OpenAiError.Of(unusable ?? problem!);
            return (null, false, (error.Param == "input" ? error with { Param = asked.InputField } : error).ToResult());
        }

        var submission = await tickets.SubmitAsync(ticket with { Key = key }, caller.User);
        if (submission.Row is not { } row)
        {
            return (null, false, submission.Problem!.Type == ProblemType.UserNotFound.Uri
                ? FacadeCaller.Refuse(context)
                : OpenAiError.Of(submission.Problem).ToResult());
        }

        if (submission.IsReplayed)
        {
            context.Response.Headers[DescribedHeaders.IdempotentReplayed] = "true";
        }

        return (row, key is not null, null);
    }
}

/// <summary>What a request asks of a ticket.</summary>
/// <param name="Model">The model.</param>
/// <param name="Input">What it is asked.</param>
/// <param name="InputField">Which parameter of the request that comes from.</param>
/// <param name="Priority">How soon it comes when tickets wait.</param>
internal sealed record AskedTicket(string Model, Payload Input, string InputField, string Priority);
