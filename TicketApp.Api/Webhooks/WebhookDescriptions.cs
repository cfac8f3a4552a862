using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using TicketApp.Api.Http;
using TicketApp.Api.Tickets;

namespace TicketApp.Api.Webhooks;

/// <summary>The part of the description that says what is sent to receivers.</summary>
internal static class WebhookDescriptions
{
    private static readonly (string Name, string Description, OpenApiSchema Schema)[] _headers =
    [
        ("webhook-id", "The same for every attempt and replay of an event.", Schemas.Pattern("^msg_[0-9a-f]{32}$")),
        ("webhook-timestamp", "When this attempt began, in seconds since 1970.", Schemas.Pattern("^[0-9]+$")),
        (
            "webhook-signature",
            "HMAC-SHA256 of id, timestamp and body by each secret that is in force, as Standard Webhooks has it.",
            Schemas.Pattern("^v1,[0-9A-Za-z+/=]{44}( v1,[0-9A-Za-z+/=]{44}){0,2}$")),
    ];

    public static async Task DescribeAsync(
        OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        var payload = await context.GetOrCreateSchemaAsync(typeof(WebhookPayload), null, cancellationToken);
        payload.Properties!["data"] = new OpenApiSchemaReference(SchemaDescriptions.Ticket, document);
        document.AddComponent(nameof(WebhookPayload), payload);
        document.Webhooks = new Dictionary<string, IOpenApiPathItem>
        {
            [Webhook.StartedEvent] = Event(document, "ticketStarted", "An attempt of a ticket is known to run"),
            [Webhook.FinishedEvent] = Event(document, "ticketFinished", "A ticket has ended"),
        };
    }

    private static OpenApiPathItem Event(OpenApiDocument document, string name, string summary) => new()
    {
        Operations = new()
        {
            [HttpMethod.Post] = new()
            {
                OperationId = name,
                Tags = new HashSet<OpenApiTagReference> { new(ApiTags.Webhooks, document) },
                Summary = summary,
                Description = "Sent to the URL that the ticket names, signed, and again until it is answered 2xx.",
                Security = [],
                Parameters =
                [
                    .. _headers.Select(header => new OpenApiParameter
                    {
                        Name = header.Name,
                        In = ParameterLocation.Header,
                        Required = true,
                        Description = header.Description,
                        Schema = header.Schema,
                    }),
                ],
                RequestBody = new OpenApiRequestBody
                {
                    Required = true,
                    Content = new Dictionary<string, OpenApiMediaType>
                    {
                        ["application/json"] = new OpenApiMediaType
                        {
                            Schema = new OpenApiSchemaReference(nameof(WebhookPayload), document),
                        },
                    },
                },
                Responses = new()
                {
                    ["2XX"] = new OpenApiResponse { Description = "Delivered." },
                    ["410"] = new OpenApiResponse { Description = "This user's webhooks to this URL stop." },
                },
            },
        },
    };
}
