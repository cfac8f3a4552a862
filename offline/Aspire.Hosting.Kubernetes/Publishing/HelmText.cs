using System.Text.RegularExpressions;

namespace Aspire.Hosting.Kubernetes.Publishing;

/// <summary>References to chart values, as they stand in templates.</summary>
internal static partial class HelmText
{
    public static string Key(string name) => name.Replace('-', '_');

    public static string Parameter(string resource, string name) => Value("parameters", resource, name);

    public static string Config(string resource, string name) => Value("config", resource, name);

    public static string Secret(string resource, string name) => Value("secrets", resource, name);

    public static bool HasSecret(string text) => text.Contains("{{", StringComparison.Ordinal) && text.Contains(".Values.secrets.", StringComparison.Ordinal);

    public static bool HasValue(string text) => text.Contains("{{", StringComparison.Ordinal) && text.Contains(".Values.", StringComparison.Ordinal);

    /// <summary>A number in a place that takes text only.</summary>
    public static string AsText(string text) => Number().Replace(text, match => match.Value[..^2].TrimEnd() + " | toString }}");

    /// <summary>Whether the template is one number, which must not be quoted.</summary>
    public static bool IsNumber(string text) => Number().Match(text) is { Success: true } match && match.Length == text.Length;

    private static string Value(string section, string resource, string name) => $"{{{{ .Values.{section}.{Key(resource)}.{Key(name)} }}}}";

    [GeneratedRegex(@"\{\{[^{}]*\|\s*(int|int64|float64)\s*\}\}")]
    private static partial Regex Number();
}
