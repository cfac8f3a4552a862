using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Auth;
using TicketApp.Api.Storage;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Dispatch;

/// <summary>
/// How many tickets of one user may be dispatched or run at once, over all models and replicas, and who has as many. The dispatch keeps it.
/// </summary>
internal sealed class ConcurrencyLimit(NpgsqlDataSource database, IOptions<LimitOptions> options) : IDisposable
{
    // Reads the tickets in flight, which the dispatch windows bound, in the order of the index that holds them by user.
    private const string ReachedSql =
        "select user_id from tickets where status in ('dispatched', 'running', 'canceling') group by user_id having count(*) >= $1";

    private readonly CachedQuery<HashSet<Guid>> _reached = new(token => QueryAsync(database, options.Value.MaxConcurrentPerUser, token));

    public bool IsOn => options.Value.MaxConcurrentPerUser > 0;

    /// <summary>Whether the user has as many as one may; from a query that all who ask share.</summary>
    public async ValueTask<bool> IsReachedAsync(Guid userId, CancellationToken cancellationToken) =>
        IsOn && (await _reached.GetAsync(cancellationToken)).Contains(userId);

    public void Dispose() => _reached.Dispose();

    private static async Task<HashSet<Guid>> QueryAsync(NpgsqlDataSource database, int most, CancellationToken cancellationToken)
    {
        HashSet<Guid> reached = [];
        await using var command = database.CreateCommand(ReachedSql, Value(most));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            reached.Add(reader.GetGuid(0));
        }

        return reached;
    }
}
