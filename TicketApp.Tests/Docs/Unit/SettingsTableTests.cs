using System.Collections.Concurrent;
using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using TicketApp.Api.Dispatch;
using TicketApp.Tests.Fixtures;
using TicketApp.Worker;
using TicketApp.Worker.Models.Endpoints;
using TicketApp.Worker.Onnx;

namespace TicketApp.Tests.Docs.Unit;

/// <summary>The tables of settings in docs/operations.md say what the options classes say of themselves.</summary>
public sealed partial class SettingsTableTests
{
    private static readonly Dictionary<string, Assembly> _programs = new()
    {
        ["TicketApp.Api"] = typeof(DispatchOptions).Assembly,
        ["TicketApp.Worker"] = typeof(WorkerOptions).Assembly,
    };

    private static readonly ConcurrentDictionary<string, Dictionary<string, XElement>> _documentation = [];

    public static TheoryData<string> Programs => [.. _programs.Keys];

    [Theory]
    [MemberData(nameof(Programs))]
    public void Each_setting_has_its_row(string program)
    {
        var assembly = _programs[program];
        var declared =
            from type in assembly.GetTypes()
            let section = type.GetField("SectionName", BindingFlags.Public | BindingFlags.Static)?.GetRawConstantValue()
            where section is not null
            from property in type.GetProperties(BindingFlags.Instance | BindingFlags.Public | BindingFlags.DeclaredOnly)
            select $"{section}:{property.Name} | {Summary(property)}";

        Assert.Equal(declared.Order(StringComparer.Ordinal), Documented(assembly).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Each_setting_of_a_configured_model_has_its_row()
    {
        Assembly[] programs = [typeof(ModelSettings).Assembly, typeof(OnnxModelSettings).Assembly];
        var declared =
            from type in programs.SelectMany(program => program.GetTypes())
            where type == typeof(ModelSettings) || type.IsSubclassOf(typeof(ModelSettings))
            from property in type.GetProperties(BindingFlags.Instance | BindingFlags.Public | BindingFlags.DeclaredOnly)
            select $"{property.Name} | {Summary(property)}";
        var documented =
            from cells in Documents.Table("docs/models.md", "| setting of a model |")
            select $"{Plain(cells[0])} | {Plain(cells[3])}. Default: {Plain(cells[2])}.";

        Assert.Equal(declared.Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
    }

    /// <summary>What the documentation of a property says, as text: from the file that the compiler writes beside the program.</summary>
    private static string Summary(PropertyInfo property)
    {
        var type = property.DeclaringType!;
        var member = _documentation.GetOrAdd(type.Assembly.GetName().Name!, ReadDocumentation)[$"P:{type.FullName}.{property.Name}"];
        return Spaces.Replace(member.Element("summary")!.Value, " ").Trim();
    }

    private static Dictionary<string, XElement> ReadDocumentation(string program) =>
        XDocument.Load(Path.Combine(AppContext.BaseDirectory, $"{program}.xml"))
            .Descendants("member")
            .ToDictionary(member => member.Attribute("name")!.Value);

    private static IEnumerable<string> Documented(Assembly assembly)
    {
        var sections = assembly.GetTypes()
            .Select(type => type.GetField("SectionName", BindingFlags.Public | BindingFlags.Static)?.GetRawConstantValue())
            .ToHashSet();
        return from line in File.ReadLines(Path.Combine(Repository.Root, "docs/operations.md"))
               let row = Row.Match(line)
               where row.Success && sections.Contains(row.Groups["section"].Value)
               let text = Plain(row.Groups["text"].Value)
               select $"{row.Groups["section"].Value}:{row.Groups["name"].Value} | {text}. Default: {Plain(row.Groups["default"].Value)}.";
    }

    /// <summary>A cell without the marks of code and links.</summary>
    private static string Plain(string cell) => Links.Replace(cell, "$1").Replace("`", "", StringComparison.Ordinal);

    [GeneratedRegex(@"^\| `(?<section>\w+):(?<name>\w+)[^|]*\| (?<default>[^|]*) \| (?<text>[^|]*) \|$")]
    private static partial Regex Row { get; }

    [GeneratedRegex(@"\[([^\]]*)\]\([^)]*\)")]
    private static partial Regex Links { get; }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces { get; }
}
