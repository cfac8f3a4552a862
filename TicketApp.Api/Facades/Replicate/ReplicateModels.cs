using System.Text.Json;
using System.Text.Json.Nodes;
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
        new(null, null, [.. models.All.Select(model =>
            ReplicateModel.Of(model, PredictionPresenter.Owner, request) with { LatestVersion = new(model.Name) })]),
        ReplicateJson.Default.ModelPage);

    private static IResult Get(string owner, string name, HttpRequest request, ModelCatalog models) =>
        models.TryGet(name, out var model)
            ? ApiJson.Ok(ReplicateModel.Of(model, owner, request), ReplicateJson.Default.ReplicateModel)
            : NotFound();

    private static IResult ListVersions(string name, ModelCatalog models) =>
        models.TryGet(name, out var model)
            ? ApiJson.Ok(new(null, null, [ReplicateModelVersion.Of(model)]), ReplicateJson.Default.VersionPage)
            : NotFound();

    private static IResult GetVersion(string name, string version, ModelCatalog models) =>
        models.TryGet(name, out var model) && version == name
            ? ApiJson.Ok(ReplicateModelVersion.Of(model), ReplicateJson.Default.ReplicateModelVersion)
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
        owner, model.Name, model.Description, ReplicateModelVersion.Of(model));
}

/// <summary>A version of a model.</summary>
/// <param name="Id">The name of the model, so that a client that sends the version alone names the model too.</param>
internal sealed record ReplicateModelVersion(string Id)
{
    private const string InputPlace = "#/components/schemas/Input";

    private static readonly JsonElement _anything = Describe("""{"type":"object"}""");

    /// <summary>When a model first came is not kept.</summary>
    public DateTime CreatedAt { get; } = DateTime.UnixEpoch;

    public string CogVersion { get; } = "";

    /// <summary>
    /// What it takes; what it answers is not known. Allows everything where the model declares no schema, and in the list of models: a
    /// thousand schemas would be too much.
    /// </summary>
    public JsonElement OpenapiSchema { get; init; } = _anything;

    public static ReplicateModelVersion Of(KnownModel model) =>
        model.Check is { } check ? new(model.Name) { OpenapiSchema = Describe(check.Schema.Json) } : new(model.Name);

    private static JsonElement Describe(string input)
    {
        var schema = JsonNode.Parse(input);
        Move(schema, isSchema: true);
        JsonObject parts = new() { ["Input"] = schema, ["Output"] = new JsonObject() };
        return JsonElement.Parse(new JsonObject { ["components"] = new JsonObject { ["schemas"] = parts } }.ToJsonString());
    }

    /// <summary>A reference within a schema starts at its root, which is no longer that of the document.</summary>
    private static void Move(JsonNode? node, bool isSchema)
    {
        if (node is JsonArray items)
        {
            foreach (var item in items)
            {
                Move(item, isSchema);
            }
        }
        else if (node is JsonObject members)
        {
            if (isSchema)
            {
                // It would be the root of the references below it.
                members.Remove("$id");
                if (members["$ref"] is JsonValue reference)
                {
                    members["$ref"] = InputPlace + reference.GetValue<string>()[1..];
                }
            }

            foreach (var (name, value) in members)
            {
                var isName = isSchema && name is ("properties" or "patternProperties" or "$defs" or "definitions");
                if (isName || !isSchema || name is not ("const" or "enum" or "default" or "examples"))
                {
                    Move(value, isSchema: !isName);
                }
            }
        }
    }
}
