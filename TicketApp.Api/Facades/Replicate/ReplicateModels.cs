using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Http;

namespace TicketApp.Api.Facades.Replicate;

/// <summary>The models that tickets can choose. Any word does for their owner, and each has one version, of its own name.</summary>
internal static class ReplicateModels
{
    public static RouteGroupBuilder MapReplicateModels(this RouteGroupBuilder replicate)
    {
        replicate.MapGet("/models", List);
        replicate.MapGet("/models/{owner}/{name}", Get);
        replicate.MapGet("/models/{owner}/{name}/versions", ListVersions);
        replicate.MapGet("/models/{owner}/{name}/versions/{version}", GetVersion);
        return replicate;
    }

    /// <summary>There is no such model.</summary>
    public static IResult NotFound() =>
        ReplicateError.ToResult(ProblemType.UnknownModel.With("There is no such model.") with { Status = StatusCodes.Status404NotFound });

    private static Utf8ContentHttpResult List(HttpRequest request, ModelCatalog models) => ApiJson.Ok(
        new(null, null, [.. models.All.Select(model => ReplicateModel.Of(model, PredictionPresenter.Owner, request))]),
        ReplicateJson.Default.ModelPage);

    private static IResult Get(string owner, string name, HttpRequest request, ModelCatalog models) =>
        models.TryGet(name, out var model)
            ? ApiJson.Ok(ReplicateModel.Of(model, owner, request), ReplicateJson.Default.ReplicateModel)
            : NotFound();

    private static IResult ListVersions(string name, ModelCatalog models) =>
        models.TryGet(name, out _)
            ? ApiJson.Ok(new(null, null, [new(name)]), ReplicateJson.Default.VersionPage)
            : NotFound();

    private static IResult GetVersion(string name, string version, ModelCatalog models) =>
        models.TryGet(name, out _) && version == name
            ? ApiJson.Ok(new(name), ReplicateJson.Default.ReplicateModelVersion)
            : NotFound();
}

/// <summary>A model as this API shows it.</summary>
/// <param name="Url">It.</param>
/// <param name="Owner">The owner that the caller gave.</param>
/// <param name="Name">The word by which tickets choose it.</param>
/// <param name="Description">What it answers.</param>
/// <param name="LatestVersion">Its only version.</param>
internal sealed record ReplicateModel(string Url, string Owner, string Name, string Description, ReplicateModelVersion LatestVersion)
{
    public string Visibility { get; } = "public";

    public bool IsOfficial { get; }

    /// <summary>Not counted here: see the statistics of the service.</summary>
    public int RunCount { get; }

    public static ReplicateModel Of(KnownModel model, string owner, HttpRequest request) => new(
        $"{ReplicateFacade.RootOf(request)}{ReplicateFacade.Prefix}/models/{Uri.EscapeDataString(owner)}/{model.Name}",
        owner, model.Name, model.Description, new(model.Name));
}

/// <summary>A version of a model.</summary>
/// <param name="Id">The name of the model, so that a client that sends the version alone names the model too.</param>
internal sealed record ReplicateModelVersion(string Id)
{
    private static readonly JsonElement _anything =
        JsonElement.Parse("""{"components":{"schemas":{"Input":{"type":"object"},"Output":{}}}}""");

    /// <summary>When a model first came is not kept.</summary>
    public DateTime CreatedAt { get; } = DateTime.UnixEpoch;

    public string CogVersion { get; } = "";

    /// <summary>What it takes and answers is not known.</summary>
    public JsonElement OpenapiSchema { get; } = _anything;
}
