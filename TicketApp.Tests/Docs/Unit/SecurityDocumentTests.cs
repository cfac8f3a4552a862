using System.Text.RegularExpressions;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Docs.Unit;

/// <summary>docs/security.md promises nothing without a test.</summary>
public sealed partial class SecurityDocumentTests
{
    private const string Path = "docs/security.md";

    [Fact]
    public void Every_test_that_is_named_exists()
    {
        var tests = typeof(SecurityDocumentTests).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods())
            .Where(method => method.IsDefined(typeof(FactAttribute), inherit: true))
            .Select(method => $"{method.DeclaringType!.Name}.{method.Name}")
            .ToHashSet();
        var named = Test().Matches(File.ReadAllText(System.IO.Path.Combine(Repository.Root, Path))).Select(match => match.Groups[1].Value);

        Assert.Empty(named.Except(tests));
    }

    [Fact]
    public void Every_promise_names_its_tests()
    {
        var promises = Documents.Table(Path, "| promise |").Where(row => !row[0].StartsWith("**", StringComparison.Ordinal)).ToArray();

        Assert.NotEmpty(promises);
        Assert.All(promises, promise => Assert.Matches(Test(), promise[1]));
    }

    [Fact]
    public void Every_chapter_of_the_standard_is_answered() => Assert.Equal(
        Enumerable.Range(1, 17).Select(chapter => $"V{chapter}"),
        Documents.Table(Path, "| chapter |").Select(row => row[0].Split(' ')[0]));

    /// <summary>A class of tests and one of its methods.</summary>
    [GeneratedRegex(@"`(\w+Tests\.\w+)`")]
    private static partial Regex Test();
}
