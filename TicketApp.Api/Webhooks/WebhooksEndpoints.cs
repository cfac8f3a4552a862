using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.Options;
using TicketApp.Api.Auth;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;

namespace TicketApp.Api.Webhooks;

/// <summary>Secrets, deliveries and endpoints of webhooks in the resource API.</summary>
internal static class WebhooksEndpoints
{
    private const int DefaultPage = 20;

    public static IServiceCollection AddWebhooks(this IServiceCollection services)
    {
        services.AddOptions<WebhookOptions>().BindConfiguration(WebhookOptions.SectionName).ValidateOnStart();
        return services
            .AddSingleton<IWebhookUrls, WebhookUrls>()
            .AddSingleton<IValidateOptions<WebhookOptions>, WebhookOptionsValidator>()
            .AddSingleton<SecretProtector>()
            .AddSingleton<SecretStore>()
            .AddSingleton<DeliveryStore>()
            .AddSingleton<DeliveryLog>()
            .AddSingleton<RetrySchedule>()
            .AddSingleton<WebhookSender>()
            .AddHostedService<WebhookDispatcher>()
            .AddExpiry(provider => DeliveryStore.Expiry(provider.GetRequiredService<IOptions<WebhookOptions>>().Value))
            .Configure<OpenApiOptions>(
                ApiDescription.Document, description => description.AddDocumentTransformer(WebhookDescriptions.DescribeAsync));
    }

    public static RouteGroupBuilder MapWebhooks(this RouteGroupBuilder v1)
    {
        v1.MapPost("/users/{id}/webhook-secrets", RotateSecretAsync)
            .Produces<WebhookSecret>(StatusCodes.Status201Created)
            .Describe(
                "createWebhookSecret", ApiTags.Webhooks, "Make a new signing secret",
                "It is told in this answer alone. The one before it signs too, for 24 hours.")
            .WithProblems(ProblemType.UserNotFound);
        v1.MapGet("/users/{id}/webhook-deliveries/dead", ListDeadAsync)
            .Produces<WebhookDeliveryPage>()
            .Describe("listDeadDeliveries", ApiTags.Webhooks, "List deliveries that were given up", "The newest first.")
            .WithQuery("limit", "The most on a page.", Schemas.Number(1, 100, DefaultPage))
            .WithQuery("cursor", "The value of next of the page before.", Schemas.Text(CursorSeal.MaxText))
            .WithProblems(ProblemType.InvalidCursor, ProblemType.UserNotFound);
        v1.MapGet("/users/{id}/webhook-endpoints/off", ListOffAsync)
            .Produces<DisabledEndpoints>()
            .Describe(
                "listDisabledEndpoints", ApiTags.Webhooks, "List endpoints that are switched off", "The latest 100 that answered 410.")
            .WithProblems(ProblemType.UserNotFound);
        v1.MapDelete("/users/{id}/webhook-endpoints/off", SwitchOnAsync)
            .Produces(StatusCodes.Status204NoContent)
            .Describe(
                "enableEndpoint", ApiTags.Webhooks, "Switch an endpoint on again", "Deliveries that died before can then be replayed.")
            .WithProblems(ProblemType.UserNotFound, ProblemType.EndpointNotFound);
        v1.MapGet("/tickets/{id}/deliveries", ListAsync)
            .Produces<WebhookDeliveries>()
            .Describe("listDeliveries", ApiTags.Webhooks, "List a ticket's deliveries", "The latest 100, the newest first.")
            .WithProblems(ProblemType.TicketNotFound);
        v1.MapPost("/tickets/{id}/deliveries/{delivery}/replay", ReplayAsync)
            .Produces(StatusCodes.Status202Accepted)
            .Describe("replayDelivery", ApiTags.Webhooks, "Deliver again", "From the start of the schedule, under the same webhook-id.")
            .WithResponseHeader(DescribedHeaders.Location)
            .WithProblems(
                ProblemType.TicketNotFound, ProblemType.DeliveryNotFound, ProblemType.DeliveryPending, ProblemType.DeliveryExhausted);
        return v1;
    }

    private static async Task<Utf8ContentHttpResult> RotateSecretAsync(
        string id, Caller caller, SecretStore secrets, CancellationToken cancellationToken)
    {
        if (!TryFindUser(id, caller, out var userId) || await secrets.RotateAsync(userId, cancellationToken) is not { } rotated)
        {
            return UserNotFound();
        }

        return ApiJson.Created(
            new WebhookSecret(WebhookSignature.Format(rotated.Secret), rotated.PreviousExpires), WebhookJson.Default.WebhookSecret);
    }

    private static async Task<Utf8ContentHttpResult> ListDeadAsync(
        string id, HttpRequest request, Caller caller, DeliveryLog log, CursorSeal cursors,
        IOptions<TicketOptions> options, CancellationToken cancellationToken)
    {
        if (!TryFindUser(id, caller, out var userId))
        {
            return UserNotFound();
        }

        QueryReader query = new(request.Query, "limit", "cursor");
        var limit = query.Number("limit", options.Value.MaxPage, DefaultPage);
        if (query.Errors.Any)
        {
            return query.Errors.ToProblem().ToResult();
        }

        var (list, before) = ($"dead deliveries {userId}", long.MaxValue);
        if (query.Text("cursor") is { } cursor)
        {
            if (cursors.Open(list, cursor, sizeof(long)) is not { } position)
            {
                return ProblemType.InvalidCursor.With("Take the value of next from the page before, or begin again without a cursor.")
                    .ToResult();
            }

            before = BitConverter.ToInt64(position);
        }

        var (page, next) = await log.DeadAsync(userId, limit, before, cancellationToken);
        return ApiJson.Ok(
            new WebhookDeliveryPage(page, next is { } last ? cursors.Close(list, BitConverter.GetBytes(last)) : null),
            WebhookJson.Default.WebhookDeliveryPage);
    }

    private static async Task<Utf8ContentHttpResult> ListOffAsync(
        string id, Caller caller, DeliveryLog log, CancellationToken cancellationToken) =>
        TryFindUser(id, caller, out var userId)
            ? ApiJson.Ok(new DisabledEndpoints(await log.OffAsync(userId, cancellationToken)), WebhookJson.Default.DisabledEndpoints)
            : UserNotFound();

    private static async Task<IResult> SwitchOnAsync(
        string id, string? url, Caller caller, DeliveryLog log, CancellationToken cancellationToken)
    {
        if (!TryFindUser(id, caller, out var userId))
        {
            return UserNotFound();
        }

        return url is not null && await log.SwitchOnAsync(userId, url, cancellationToken)
            ? TypedResults.NoContent()
            : ProblemType.EndpointNotFound.With().ToResult();
    }

    private static async Task<Utf8ContentHttpResult> ListAsync(
        string id, Caller caller, TicketRecordReader tickets, DeliveryLog log, CancellationToken cancellationToken) =>
        await tickets.FindAsync(id, caller) is { } ticket
            ? ApiJson.Ok(
                new WebhookDeliveries(await log.OfTicketAsync(ticket.TicketId, cancellationToken)), WebhookJson.Default.WebhookDeliveries)
            : TicketProblems.NotFound();

    private static async Task<IResult> ReplayAsync(
        string id, string delivery, Caller caller, TicketRecordReader tickets, DeliveryLog log, CancellationToken cancellationToken)
    {
        if (await tickets.FindAsync(id, caller) is not { } ticket)
        {
            return TicketProblems.NotFound();
        }

        return (Delivery.TryParseMessageId(delivery, out var deliveryId)
                ? await log.ReplayAsync(ticket.TicketId, deliveryId, cancellationToken)
                : ReplayOutcome.NotFound) switch
        {
            ReplayOutcome.Done => TypedResults.Accepted(
                new Uri($"{ResourceApi.Prefix}/tickets/{ticket.TicketId}/deliveries", UriKind.Relative)),
            ReplayOutcome.Pending => ProblemType.DeliveryPending.With().ToResult(),
            ReplayOutcome.Exhausted => ProblemType.DeliveryExhausted.With().ToResult(),
            _ => ProblemType.DeliveryNotFound.With().ToResult(),
        };
    }

    private static bool TryFindUser(string id, Caller caller, out Guid userId) =>
        Guid.TryParseExact(id, "D", out userId) && caller.MayActFor(userId);

    private static Utf8ContentHttpResult UserNotFound() => ProblemType.UserNotFound.With("Check the id.").ToResult();
}
