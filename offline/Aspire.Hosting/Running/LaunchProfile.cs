using System.Text.Json;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Running;

/// <summary>A profile of a project's launchSettings.json.</summary>
internal sealed class LaunchProfile : IResourceAnnotation
{
    private static readonly JsonSerializerOptions _json = new(JsonSerializerDefaults.Web)
    {
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    public string Name { get; private set; } = "";

    public string? CommandName { get; set; }

    public string? ApplicationUrl { get; set; }

    public Dictionary<string, string> EnvironmentVariables { get; set; } = [];

    public IEnumerable<Uri> ApplicationUrls =>
        (ApplicationUrl ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(url => new Uri(url));

    /// <summary>The profile of that name if the project has it, else the first that runs the project.</summary>
    public static LaunchProfile? Select(string projectPath, string? name)
    {
        var profiles = Read(Path.GetDirectoryName(projectPath)!);
        return profiles.FirstOrDefault(profile => profile.Name == name)
            ?? profiles.FirstOrDefault(profile => profile.CommandName == "Project");
    }

    public static IReadOnlyList<LaunchProfile> Read(string projectDirectory)
    {
        var file = Path.Combine(projectDirectory, "Properties", "launchSettings.json");
        if (!File.Exists(file))
        {
            return [];
        }

        var settings = JsonSerializer.Deserialize<LaunchSettings>(File.ReadAllText(file), _json);
        foreach (var (name, profile) in settings?.Profiles ?? [])
        {
            profile.Name = name;
        }

        return settings is null ? [] : [.. settings.Profiles.Values];
    }

    private sealed class LaunchSettings
    {
        public Dictionary<string, LaunchProfile> Profiles { get; set; } = [];
    }
}
