using Npgsql;

namespace TicketApp.Api.Operations;

/// <summary>What a look at an invariant found.</summary>
/// <param name="Name">A stable word.</param>
/// <param name="Count">How many things break it: 0 if all is well. Counted up to 1,000.</param>
/// <param name="Description">What a count above 0 means.</param>
public sealed record InvariantCount(string Name, int Count, string Description);

/// <summary>What a look at all invariants found.</summary>
/// <param name="Ok">Whether all counts are 0.</param>
/// <param name="Results">One for each invariant.</param>
public sealed record InvariantCounts(bool Ok, IReadOnlyList<InvariantCount> Results);

/// <summary>Looks whether what must never be is there.</summary>
internal sealed class InvariantStore(NpgsqlDataSource database)
{
    private const int MaxCounted = 1000;

    private static readonly string _sql = string.Join(
        "\nunion all\n",
        Invariant.All.Select((invariant, place) => $"select {place}, count(*)::int from (select from ({invariant.Sql}) broken limit {MaxCounted}) counted"));

    /// <summary>Counts what breaks each invariant, all at one moment.</summary>
    public async Task<InvariantCounts> CountAsync(CancellationToken cancellationToken)
    {
        var counts = new int[Invariant.All.Count];
        await using var command = database.CreateCommand(_sql);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            counts[reader.GetInt32(0)] = reader.GetInt32(1);
        }

        return new(counts.All(count => count == 0), [.. Invariant.All.Zip(counts, (invariant, count) => new InvariantCount(invariant.Name, count, invariant.Description))]);
    }
}
