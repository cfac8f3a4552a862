using System.Text.Json.Serialization;
using TicketApp.Api.Http;
using TicketApp.Api.Webhooks;

namespace TicketApp.Api.Facades.Replicate;

/// <summary>
/// The HTTP API of Replicate, so that its clients submit tickets with nothing but another base URL: a prediction is a ticket. It only
/// translates. See docs/compatibility.md.
/// </summary>
internal static class ReplicateFacade
{
    /// <summary>What every path of it begins with.</summary>
    public const string Prefix = "/replicate/v1";

    public static IServiceCollection AddReplicate(this IServiceCollection services) => services
        .AddSingleton(new ErrorForm(Prefix, ReplicateError.ToResult))
        .AddSingleton<PredictionPresenter>()
        .AddSingleton<PredictionReader>()
        .AddSingleton<PredictionStream>()
        .AddSingleton<IWebhookForm, PredictionWebhook>();

    public static IEndpointRouteBuilder MapReplicate(this IEndpointRouteBuilder routes)
    {
        var replicate = routes.MapGroup(Prefix);
        // The official client opens a stream without its key: the URL itself shows that it may.
        replicate.MapPredictionStream();
        replicate.MapGroup("")
            .AddEndpointFilter(FacadeCaller.RequireAsync)
            .MapPredictions()
            .MapReplicateModels()
            .MapGet("/webhooks/default/secret", ShowSecretAsync);
        return routes;
    }

    /// <summary>The service as this request came to it, without a path: clients of this API expect URLs that are absolute.</summary>
    public static string RootOf(HttpRequest request) => $"{request.Scheme}://{request.Host}{request.PathBase}";

    private static async Task<IResult> ShowSecretAsync(
        HttpContext context, FacadeCaller caller, SecretStore secrets, CancellationToken cancellationToken)
    {
        var valid = await secrets.ValidAsync(caller.UserId, cancellationToken);
        return valid.Count == 0
            ? FacadeCaller.Refuse(context)
            : ApiJson.Ok(new SigningSecret(WebhookSignature.Format(valid[0])), ReplicateJson.Default.SigningSecret);
    }
}

/// <summary>What webhooks are verified with.</summary>
/// <param name="Key">The newest secret of the user.</param>
internal sealed record SigningSecret(string Key);

/// <summary>A page of a list.</summary>
/// <param name="Previous">The URL of the page before; null for the first.</param>
/// <param name="Next">The URL of the page after; null for the last.</param>
/// <param name="Results">What is on it.</param>
internal sealed record ReplicatePage<T>(string? Previous, string? Next, IReadOnlyList<T> Results);

/// <summary>The compiled serializers of this folder.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    // Of a request's own fields: bodies with inputs are read with all names.
    AllowDuplicateProperties = false,
    MaxDepth = JsonBody.MaxDepthWithInputs)]
[JsonSerializable(typeof(CreatePrediction))]
[JsonSerializable(typeof(Prediction))]
[JsonSerializable(typeof(ReplicatePage<Prediction>), TypeInfoPropertyName = "PredictionPage")]
[JsonSerializable(typeof(ReplicateModel))]
[JsonSerializable(typeof(ReplicatePage<ReplicateModel>), TypeInfoPropertyName = "ModelPage")]
[JsonSerializable(typeof(ReplicatePage<ReplicateModelVersion>), TypeInfoPropertyName = "VersionPage")]
[JsonSerializable(typeof(SigningSecret))]
[JsonSerializable(typeof(StreamError))]
[JsonSerializable(typeof(StreamEnd))]
[JsonSerializable(typeof(ReplicateError))]
internal sealed partial class ReplicateJson : JsonSerializerContext;
