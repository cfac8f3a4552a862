using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using TicketApp.Api.Http;
using TicketApp.Api.InputSchemas;
using TicketApp.Messaging;

namespace TicketApp.Api.Dispatch;

internal static class ModelsEndpoints
{
    public static IServiceCollection AddModels(this IServiceCollection services)
    {
        services
            .AddSingleton<InputChecks>()
            .AddSingleton<ModelCatalog>()
            .AddHostedService(provider => provider.GetRequiredService<ModelCatalog>())
            .AddHealthChecks().AddCheck<ModelCatalog>("models");
        return services;
    }

    public static RouteGroupBuilder MapModels(this RouteGroupBuilder v1)
    {
        v1.MapGet("/models", List).Produces<ModelList>().Describe(
            "listModels", ApiTags.Models, "List the models that tickets can choose", "With what input they take, and who serves them now.");
        v1.MapGet("/models/{name}", Get).Produces<ModelEntry>()
            .Describe(
                "getModel", ApiTags.Models, "Look at a model",
                "With the JSON Schema that the input of its tickets is checked against, where the model declares one.")
            .WithProblems(ProblemType.ModelNotFound);
        return v1;
    }

    private static Utf8ContentHttpResult List(ModelCatalog models) =>
        ApiJson.Ok(new ModelList([.. models.All.Select(model => Entry(models, model))]), DispatchJson.Default.ModelList);

    private static Utf8ContentHttpResult Get(string name, ModelCatalog models) => models.TryGet(name, out var model)
        ? ApiJson.Ok(
            Entry(models, model) with { InputSchema = model.Check is { } check ? new(check.Schema.Json, IsJson: true) : null },
            DispatchJson.Default.ModelEntry)
        : ProblemType.ModelNotFound.With().ToResult();

    private static ModelEntry Entry(ModelCatalog models, KnownModel model) => new(
        model.Name,
        model.Description,
        model.Kind,
        model.Name == models.Default,
        new(model.InputRequired, model.MaxInputCharacters),
        model.LargestBatch,
        model.Workers,
        model.Slots);
}

/// <summary>The answer to <c>GET /v1/models</c>.</summary>
/// <param name="Results">All models that tickets can choose, by name.</param>
public sealed record ModelList(IReadOnlyList<ModelEntry> Results);

/// <summary>One model.</summary>
/// <param name="Name">The word by which tickets choose it.</param>
/// <param name="Description">What it answers.</param>
/// <param name="Kind">Which inputs and responses it has, in a word such as <c>chat</c>; null: nothing is known of that.</param>
/// <param name="IsDefault">Whether it runs tickets that choose none.</param>
/// <param name="Input">What input it takes.</param>
/// <param name="LargestBatch">The most tickets that it runs together; 1 for a model that takes one at a time.</param>
/// <param name="Workers">How many workers serve it now.</param>
/// <param name="Slots">How many tickets they can run at once.</param>
public sealed record ModelEntry(
    string Name, string Description, string? Kind, bool IsDefault, ModelEntryInput Input, int LargestBatch, int Workers, long Slots)
{
    /// <summary>
    /// The JSON Schema (2020-12) of its input, an object. Absent where the model declares none, and in the list of models.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Payload? InputSchema { get; init; }
}

/// <summary>What input a model takes.</summary>
/// <param name="Required">Whether it cannot run without.</param>
/// <param name="MaxCharacters">The longest, in UTF-16 characters.</param>
public sealed record ModelEntryInput(bool Required, int MaxCharacters);

/// <summary>The compiled serializers of this folder.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ModelList))]
[JsonSerializable(typeof(ModelEntry))]
[JsonSerializable(typeof(DispatchState))]
internal sealed partial class DispatchJson : JsonSerializerContext;
