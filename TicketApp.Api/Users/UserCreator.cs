using Npgsql;
using TicketApp.Api.Database;

namespace TicketApp.Api.Users;

/// <summary>Stores new users, many a statement.</summary>
internal sealed class UserCreator(NpgsqlDataSource database) : Batcher<Guid, Guid>(largestBatch: 500, capacity: 10_000)
{
    protected override async Task<IReadOnlyList<Guid>> ServeAsync(IReadOnlyList<Guid> items)
    {
        await using var command = database.CreateCommand("insert into users (user_id) select unnest($1)");
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. items] });
        await command.ExecuteNonQueryAsync();
        return items;
    }
}
