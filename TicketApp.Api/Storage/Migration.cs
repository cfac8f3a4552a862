using System.Globalization;
using System.Text.RegularExpressions;

namespace TicketApp.Api.Storage;

/// <summary>One step of the schema, from an embedded file named <c>0001_what_it_does.sql</c>.</summary>
/// <param name="Version">Its number, from 1 without gaps.</param>
/// <param name="Name">What it does.</param>
/// <param name="Sql">
/// Its statements, in one transaction. Those that create or drop an index <c>concurrently</c>, which a large table needs, run before it,
/// one by one and each outside of a transaction: <c>create index concurrently if not exists</c>, <c>drop index concurrently if exists</c>.
/// </param>
internal sealed partial record Migration(int Version, string Name, string Sql)
{
    /// <summary>All steps, in order.</summary>
    public static IReadOnlyList<Migration> All { get; } =
        [.. typeof(Migration).Assembly.GetManifestResourceNames().Where(name => Numbered.IsMatch(name)).Order(StringComparer.Ordinal)
            .Select(Read)];

    /// <summary>What makes a database of the last commit before the first release one of the first version.</summary>
    public static string UpgradeUnreleased => Text("upgrade_from_0015.sql");

    /// <summary>The statements that run outside of a transaction, with the index of each.</summary>
    public IEnumerable<(string Index, string Statement)> OutsideTransaction =>
        Concurrent.Matches(Sql).Select(match => (match.Groups["index"].Value, match.Value));

    /// <summary>The other statements.</summary>
    public string InTransaction => Concurrent.Replace(Sql, "");

    [GeneratedRegex(
        @"^(create (unique )?index concurrently if not exists|drop index concurrently if exists) (?<index>\w+)[^;]*;",
        RegexOptions.Multiline)]
    private static partial Regex Concurrent { get; }

    [GeneratedRegex(@"^\d{4}_\w+\.sql$")]
    private static partial Regex Numbered { get; }

    private static Migration Read(string resource)
    {
        var name = Path.GetFileNameWithoutExtension(resource);
        return new(int.Parse(name[..4], CultureInfo.InvariantCulture), name[5..], Text(resource));
    }

    private static string Text(string resource)
    {
        using StreamReader reader = new(typeof(Migration).Assembly.GetManifestResourceStream(resource)!);
        return reader.ReadToEnd();
    }
}
