using System.Diagnostics;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using TicketApp.Api.Http;

namespace TicketApp.Api.Facades.OpenAi;

/// <summary>
/// OpenAI's API, as far as its clients need it to submit tickets for chat models and to get the answers. It only translates:
/// docs/compatibility.md says what it takes.
/// </summary>
internal static class OpenAiEndpoints
{
    private const string Prefix = "/openai/v1";

    public static IServiceCollection AddOpenAi(this IServiceCollection services) =>
        services
            .AddSingleton(new ErrorForm(Prefix, problem => OpenAiError.Of(problem).ToResult()))
            .AddSingleton<OpenAiTickets>()
            .AddSingleton<AnswerWaiter>()
            .AddSingleton<ResponseAnswers>();

    public static void MapOpenAi(this IEndpointRouteBuilder routes)
    {
        // Its description is OpenAI's own.
        var openAi = routes.MapGroup(Prefix).ExcludeFromDescription()
            .AddEndpointFilter(NameAsync).AddEndpointFilter(FacadeCaller.RequireAsync);
        openAi.MapResponses();
        openAi.MapCompletions();
        openAi.MapGet("/models", ListModels);
        openAi.MapGet("/models/{id}", GetModel);
    }

    /// <summary>Gives the answer an id, which clients show with what goes wrong: that of its trace, where there is one.</summary>
    private static ValueTask<object?> NameAsync(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        var context = invocation.HttpContext;
        context.Response.Headers["x-request-id"] = Activity.Current?.TraceId.ToString() ?? context.TraceIdentifier;
        return next(invocation);
    }

    private static Utf8ContentHttpResult ListModels(OpenAiTickets tickets) =>
        ApiJson.Ok(new([.. tickets.Models.Select(model => new OpenAiModel(model.Name))]), OpenAiJson.Default.OpenAiModelList);

    private static IResult GetModel(string id, OpenAiTickets tickets) =>
        tickets.DefectOf(id) is { } defect ? defect.ToResult() : ApiJson.Ok(new(id), OpenAiJson.Default.OpenAiModel);
}

/// <summary>The models that requests can name.</summary>
internal sealed record OpenAiModelList(IReadOnlyList<OpenAiModel> Data)
{
    public string Object { get; } = "list";
}

/// <summary>One model.</summary>
internal sealed record OpenAiModel(string Id)
{
    public string Object { get; } = "model";

    /// <summary>Nobody knows.</summary>
    public long Created { get; }

    public string OwnedBy { get; } = "ticketapp";
}

/// <summary>The compiled serializers of this folder.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, MaxDepth = JsonBody.MaxDepthWithInputs)]
[JsonSerializable(typeof(OpenAiErrorBody))]
[JsonSerializable(typeof(OpenAiModelList))]
[JsonSerializable(typeof(OpenAiModel))]
[JsonSerializable(typeof(ResponseResource))]
[JsonSerializable(typeof(DeletedResponse))]
[JsonSerializable(typeof(ResponseEvent))]
[JsonSerializable(typeof(ItemEvent))]
[JsonSerializable(typeof(PartEvent))]
[JsonSerializable(typeof(DeltaEvent))]
[JsonSerializable(typeof(TextEvent))]
[JsonSerializable(typeof(ErrorEvent))]
[JsonSerializable(typeof(CompletionResource))]
[JsonSerializable(typeof(CompletionChunk))]
internal sealed partial class OpenAiJson : JsonSerializerContext;
