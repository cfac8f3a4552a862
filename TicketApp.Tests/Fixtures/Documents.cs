namespace TicketApp.Tests.Fixtures;

/// <summary>The repository's documents, for tests that hold them to what the programs do.</summary>
internal static class Documents
{
    /// <summary>The rows of the first table whose head begins with <paramref name="head"/>, by cell.</summary>
    public static IReadOnlyList<string[]> Table(string path, string head) =>
        [.. File.ReadLines(Path.Combine(Repository.Root, path))
            .SkipWhile(line => !line.StartsWith(head, StringComparison.Ordinal))
            .TakeWhile(line => line.StartsWith('|'))
            .Skip(2)
            .Select(line => line.Trim('|', ' ').Split(" | ").Select(cell => cell.Trim()).ToArray())];

    /// <summary>The statements of docs/operations.md under a comment, each on a line of its own.</summary>
    public static string Sql(string title) => File.ReadAllText(Path.Combine(Repository.Root, "docs", "operations.md"))
        .Split($"-- {title}")[1].Split('\n', 2)[1].Split("```")[0];
}
