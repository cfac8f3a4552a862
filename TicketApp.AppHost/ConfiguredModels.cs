using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;

namespace TicketApp.AppHost;

/// <summary>The models that the section <c>Models</c> configures, which the workers get as it is. See docs/models.md.</summary>
internal static partial class ConfiguredModels
{
    private const string Section = "Models";

    /// <summary>
    /// Adds the workers: of <c>TicketApp.Worker.Onnx</c> where a model is of the kind <c>onnx</c>, else of <c>TicketApp.Worker</c>, which
    /// is much smaller.
    /// </summary>
    public static IResourceBuilder<ProjectResource> AddWorker(this IDistributedApplicationBuilder builder, string name) =>
        builder.Configuration.GetSection(Section).GetChildren()
            .Any(model => string.Equals(model["Kind"], "onnx", StringComparison.OrdinalIgnoreCase))
            ? builder.AddProject<Projects.TicketApp_Worker_Onnx>(name)
            : builder.AddProject<Projects.TicketApp_Worker>(name);

    /// <summary>Passes the section on to the workers. Keys and headers are secrets, whose values are never published.</summary>
    public static IResourceBuilder<ProjectResource> WithConfiguredModels(this IResourceBuilder<ProjectResource> worker)
    {
        var builder = worker.ApplicationBuilder;
        foreach (var (setting, value) in builder.Configuration.GetSection(Section).AsEnumerable().Where(pair => pair.Value is not null))
        {
            var variable = setting.Replace(":", "__", StringComparison.Ordinal);
            _ = Secret.IsMatch(setting)
                ? worker.WithEnvironment(variable, builder.AddParameter(NameOf(setting), value!, secret: true))
                : worker.WithEnvironment(variable, value);
        }

        return worker;
    }

    /// <summary>Whether a model is somewhere else.</summary>
    public static bool HasModelEndpoint(this IDistributedApplicationBuilder builder) =>
        builder.Configuration.GetSection(Section).GetChildren().Any(model => !string.IsNullOrWhiteSpace(model["Url"]));

    private static string NameOf(string setting) => Others.Replace(setting, "-").ToLowerInvariant();

    [GeneratedRegex(":ApiKey$|:Headers:", RegexOptions.IgnoreCase)]
    private static partial Regex Secret { get; }

    [GeneratedRegex("[^A-Za-z0-9]+")]
    private static partial Regex Others { get; }
}
