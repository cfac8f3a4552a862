using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace TicketApp.Api.Http;

/// <summary>Completes the operations of the description with what is said where they are mapped.</summary>
internal static class OperationDescriptions
{
    // Of each path that has an id in it, whose it is: the segment before.
    private static readonly Dictionary<string, string> _owners = new()
    {
        ["users"] = "The user's id.",
        ["erasures"] = "The erasure's id, from the Location of the request that began it.",
        ["tickets"] = "The ticket's id.",
    };

    public static Task DescribeAsync(
        OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        var document = context.Document!;
        var path = context.Description.RelativePath!.Split('/');
        var method = context.Description.HttpMethod!;
        if (HttpMethods.IsHead(method))
        {
            operation.OperationId = $"check{operation.OperationId!["get".Length..]}";
        }

        foreach (var parameter in (operation.Parameters ?? []).OfType<OpenApiParameter>())
        {
            Describe(parameter, path);
        }

        foreach (var parameter in metadata.OfType<DescribedParameter>())
        {
            (operation.Parameters ??= []).Add(new OpenApiParameter
            {
                Name = parameter.Name,
                In = parameter.Place,
                Description = parameter.Description,
                Schema = parameter.Schema,
            });
        }

        if (metadata.OfType<NoKeyNeeded>().Any())
        {
            operation.Security = [];
        }

        AddProblems(operation, document, Types(metadata, method));
        AddHeaders(operation, document, metadata);
        AddExamples(operation, metadata);
        OpenApiResponses inOrder = [];
        foreach (var (status, response) in operation.Responses!.OrderBy(response => response.Key, StringComparer.Ordinal))
        {
            inOrder.Add(status, response);
        }

        operation.Responses = inOrder;
        return Task.CompletedTask;
    }

    private static void Describe(OpenApiParameter parameter, string[] path)
    {
        var place = Array.IndexOf(path, $"{{{parameter.Name}}}");
        switch (parameter.Name)
        {
            case "id":
                (parameter.Schema, parameter.Description) = (Schemas.Id, _owners[path[place - 1]]);
                break;
            case "name":
                (parameter.Schema, parameter.Description) = (Schemas.Pattern("^[a-z0-9][a-z0-9-]{0,49}$"), "The model's name.");
                break;
            case "delivery":
                (parameter.Schema, parameter.Description) = (Schemas.Pattern("^msg_[0-9a-f]{32}$"), "The delivery's id: its webhook-id.");
                break;
            case "url":
                (parameter.Schema, parameter.Required) = (new OpenApiSchema { Type = JsonSchemaType.String, Format = "uri" }, true);
                parameter.Description = "The endpoint, as the list shows it.";
                break;
            case "prefix":
                (parameter.Schema, parameter.Description) = (Schemas.Pattern("^tk_[0-9A-Za-z]{12}$"), "The first characters of the key.");
                break;
        }
    }

    private static IEnumerable<ProblemType> Types(IEnumerable<object> metadata, string method)
    {
        var types = metadata.OfType<DescribedProblems>().SelectMany(problems => problems.Types);
        if (!HttpMethods.IsGet(method) && !HttpMethods.IsHead(method))
        {
            types = types.Concat([ProblemType.CrossSite, ProblemType.NotJson, ProblemType.EncodedBody]);
        }

        return metadata.OfType<NoKeyNeeded>().Any() ? types.Except([ProblemType.KeyRequired]) : types.Distinct();
    }

    private static void AddProblems(OpenApiOperation operation, OpenApiDocument document, IEnumerable<ProblemType> all)
    {
        foreach (var types in all.GroupBy(type => type.Status))
        {
            OpenApiResponse response = new()
            {
                Description = string.Join("; ", types.Select(type => type.Title)) + ".",
                Content = new Dictionary<string, OpenApiMediaType>
                {
                    [Problem.ContentType] = new OpenApiMediaType
                    {
                        Schema = new OpenApiSchemaReference(nameof(Problem), document),
                        Examples = types.ToDictionary(
                            type => type.Name, IOpenApiExample (type) => new OpenApiExampleReference(type.Name, document)),
                    },
                },
            };
            IEnumerable<string> headers = types.Key switch
            {
                StatusCodes.Status401Unauthorized => [DescribedHeaders.WwwAuthenticate],
                StatusCodes.Status415UnsupportedMediaType => [DescribedHeaders.AcceptEncoding],
                StatusCodes.Status429TooManyRequests => [DescribedHeaders.RetryAfter],
                StatusCodes.Status503ServiceUnavailable => [DescribedHeaders.RetryAfter],
                _ => [],
            };
            Add(response, document, headers.Concat(DescribedHeaders.Limits));
            (operation.Responses ??= [])[types.Key.ToString(CultureInfo.InvariantCulture)] = response;
        }
    }

    private static void AddHeaders(OpenApiOperation operation, OpenApiDocument document, IEnumerable<object> metadata)
    {
        foreach (var (status, response) in operation.Responses!.Where(response => response.Key[0] is '2' or '3'))
        {
            Add((OpenApiResponse)response, document, metadata.OfType<DescribedResponseHeader>()
                .Where(header => header.Statuses.Count == 0
                    ? status[0] == '2'
                    : header.Statuses.Contains(int.Parse(status, CultureInfo.InvariantCulture)))
                .Select(header => header.Name)
                .Concat(DescribedHeaders.Limits));
        }
    }

    private static void Add(OpenApiResponse response, OpenApiDocument document, IEnumerable<string> headers)
    {
        foreach (var header in headers)
        {
            (response.Headers ??= new Dictionary<string, IOpenApiHeader>())[header] = new OpenApiHeaderReference(header, document);
        }
    }

    private static void AddExamples(OpenApiOperation operation, IEnumerable<object> metadata)
    {
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
    }
}
