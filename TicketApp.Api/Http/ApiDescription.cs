using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace TicketApp.Api.Http;

/// <summary>
/// The resource API's description (OpenAPI 3.1), the page that shows it, and the page of problems. They are made when they are first asked
/// for, and are the same in every mode.
/// </summary>
internal static class ApiDescription
{
    /// <summary>Where it is.</summary>
    public const string Path = "/openapi";

    /// <summary>Its name among the descriptions that there might be.</summary>
    public const string Document = "v1";

    private const string Key = "key";

    public static IServiceCollection AddApiDescription(this IServiceCollection services) => services
        .AddOpenApi(Document, options =>
        {
            options.ShouldInclude = endpoint => endpoint.RelativePath?.StartsWith("v1/", StringComparison.Ordinal) == true;
            options.CreateSchemaReferenceId = SchemaDescriptions.NameOf;
            options.AddDocumentTransformer(DescribeAsync);
            options.AddOperationTransformer(OperationDescriptions.DescribeAsync);
            options.AddSchemaTransformer(SchemaDescriptions.DescribeAsync);
        })
        // When other folders have added what is theirs.
        .PostConfigure<OpenApiOptions>(Document, options => options.AddDocumentTransformer(SchemaDescriptions.CompleteReferencesAsync));

    /// <summary>Maps <c>/openapi/v1.json</c>, the page at <c>/openapi</c>, and the one that problems lead to.</summary>
    public static void MapApiDescription(this WebApplication app)
    {
        app.MapOpenApi($"{Path}/{{documentName}}.json").AllowAnonymous();
        app.MapGet(ProblemPage.Path, () => TypedResults.Text(ProblemPage.Html, "text/html; charset=utf-8")).AllowAnonymous();
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
                + $"Errors are problems (RFC 9457); decide by their type. {ProblemPage.Path} explains each.",
            Contact = new() { Name = "TicketApp" },
            License = new() { Name = "MIT", Identifier = "MIT" },
        };
        // The paths alone: anyone who reads it knows where it came from.
        document.Servers = [new() { Url = "/", Description = "The service that this description came from." }];
        document.Tags = new HashSet<OpenApiTag>(
            ApiTags.All.Select(tag => new OpenApiTag { Name = tag.Name, Description = tag.Description }));
        var components = document.Components ??= new();
        components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [Key] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                Description = "A user's or an administrator's key. In mode open none is needed.",
            },
        };
        document.Security = [new() { [new OpenApiSecuritySchemeReference(Key, document)] = [] }, new()];
        components.Headers = DescribedHeaders.All.ToDictionary(header => header.Key, IOpenApiHeader (header) => header.Value);
        components.Examples = ProblemType.All.Except(ProblemType.OfNoOperation).ToDictionary(
            type => type.Name, IOpenApiExample (type) => new OpenApiExample { Value = ExampleOf(type) });
        return Task.CompletedTask;
    }

    private static JsonObject ExampleOf(ProblemType type) => new()
    {
        ["type"] = type.Uri,
        ["title"] = type.Title,
        ["status"] = type.Status,
        ["detail"] = type.Advice,
    };
}
