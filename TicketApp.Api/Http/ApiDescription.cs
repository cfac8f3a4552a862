using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace TicketApp.Api.Http;

/// <summary>
/// The resource API's description (OpenAPI 3.1), and the page that shows it. Both are made when they are first asked for.
/// </summary>
internal static class ApiDescription
{
    /// <summary>Where it is.</summary>
    public const string Path = "/openapi";

    public static IServiceCollection AddApiDescription(this IServiceCollection services) => services.AddOpenApi("v1", options =>
    {
        options.ShouldInclude = endpoint => endpoint.RelativePath?.StartsWith("v1/", StringComparison.Ordinal) == true;
        options.AddDocumentTransformer(DescribeAsync);
        options.AddOperationTransformer(DescribeAsync);
        options.AddSchemaTransformer(DescribeAsync);
    });

    /// <summary>Maps <c>/openapi/v1.json</c> and the page at <c>/openapi</c>.</summary>
    public static void MapApiDescription(this WebApplication app)
    {
        app.MapOpenApi($"{Path}/{{documentName}}.json").AllowAnonymous();
        app.MapSwaggerUI(Path.TrimStart('/'), page =>
        {
            page.SwaggerEndpoint($"{Path}/v1.json", "TicketApp v1");
            page.DocumentTitle = "TicketApp API";
        }).AllowAnonymous();
    }

    private static Task DescribeAsync(
        OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        document.Info = new()
        {
            Title = "TicketApp",
            Version = "v1",
            Description = "Submit slow work to a model as a ticket, and wait for it, listen to it, list, cancel and retry it.\n\n"
                + "Errors are problems (RFC 9457); decide by their type:\n\n"
                + string.Join('\n', ProblemType.All.Select(type => $"* `{type.Uri}` ({type.Status}): {type.Title}")),
        };
        // The paths alone: anyone who reads it knows where it came from.
        document.Servers = [];
        document.Components ??= new();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            ["key"] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                Description = "A user's or an administrator's key, where the service asks for keys.",
            },
        };
        document.Security = [new() { [new OpenApiSecuritySchemeReference("key", document)] = [] }];
        return Task.CompletedTask;
    }

    private static Task DescribeAsync(
        OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        foreach (var parameter in metadata.OfType<DescribedParameter>())
        {
            (operation.Parameters ??= []).Add(new OpenApiParameter
            {
                Name = parameter.Name,
                In = parameter.IsHeader ? ParameterLocation.Header : ParameterLocation.Query,
                Description = parameter.Description,
                Schema = new OpenApiSchema { Type = parameter.IsNumber ? JsonSchemaType.Integer : JsonSchemaType.String },
            });
        }

        foreach (var example in metadata.OfType<DescribedExample>())
        {
            var content = example.IsRequest
                ? operation.RequestBody?.Content
                : operation.Responses?.FirstOrDefault(response => response.Key[0] == '2').Value?.Content;
            if (content?.Values.FirstOrDefault() is OpenApiMediaType body)
            {
                body.Example = JsonNode.Parse(example.Json);
            }
        }

        foreach (var types in metadata.OfType<DescribedProblems>()
            .SelectMany(problems => problems.Types)
            .Distinct()
            .GroupBy(type => type.Status))
        {
            var status = types.Key.ToString(System.Globalization.CultureInfo.InvariantCulture);
            if (operation.Responses?.TryGetValue(status, out var response) == true)
            {
                response.Description = string.Join("; ", types.Select(type => $"{type.Title} ({type.Uri})"));
                if (response.Content?.Values.FirstOrDefault() is OpenApiMediaType body)
                {
                    body.Examples = types.ToDictionary(
                        type => type.Name,
                        IOpenApiExample (type) => new OpenApiExample { Value = ExampleOf(type) });
                }
            }
        }

        return Task.CompletedTask;
    }

    private static Task DescribeAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        (context.JsonPropertyInfo?.CustomConverter as IDescribesSchema)?.Describe(schema);
        return Task.CompletedTask;
    }

    private static JsonObject ExampleOf(ProblemType type) => new()
    {
        ["type"] = type.Uri,
        ["title"] = type.Title,
        ["status"] = type.Status,
        ["detail"] = "What happened, and what to do about it.",
    };
}

/// <summary>A JSON converter that says what it writes, where the property's type does not.</summary>
internal interface IDescribesSchema
{
    void Describe(OpenApiSchema schema);
}
