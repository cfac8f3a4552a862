using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;

namespace TicketApp.Api.Storage;

/// <summary>One step of the schema, from an embedded file named <c>0001_what_it_does.sql</c>.</summary>
/// <param name="Version">Its number, from 1 without gaps.</param>
/// <param name="Name">What it does.</param>
/// <param name="Sql">
/// Its statements, in one transaction. Those that create or drop an index <c>concurrently</c>, which a large table needs, run before it, one by one
/// and each outside of a transaction: <c>create index concurrently if not exists</c>, <c>drop index concurrently if exists</c>.
/// </param>
internal sealed partial record Migration(int Version, string Name, string Sql)
{
    /// <summary>All steps, in order.</summary>
    public static IReadOnlyList<Migration> All { get; } =
        [.. Assembly.GetExecutingAssembly().GetManifestResourceNames().Where(name => name.EndsWith(".sql", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Select(Read)];

    /// <summary>The statements that run outside of a transaction, with the index of each.</summary>
    public IEnumerable<(string Index, string Statement)> OutsideTransaction => Concurrent.Matches(Sql).Select(match => (match.Groups["index"].Value, match.Value));

    /// <summary>The other statements.</summary>
    public string InTransaction => Concurrent.Replace(Sql, "");

    [GeneratedRegex(@"^(create (unique )?index concurrently if not exists|drop index concurrently if exists) (?<index>\w+)[^;]*;", RegexOptions.Multiline)]
    private static partial Regex Concurrent { get; }

    private static Migration Read(string resource)
    {
        using StreamReader reader = new(Assembly.GetExecutingAssembly().GetManifestResourceStream(resource)!);
        var name = Path.GetFileNameWithoutExtension(resource);
        return new(int.Parse(name[..4], CultureInfo.InvariantCulture), name[5..], reader.ReadToEnd());
    }
}
