using Aspire.Hosting.ApplicationModel;
using Npgsql;

namespace Aspire.Hosting;

internal static class PostgresDatabases
{
    /// <summary>Creates those in the model that the server does not have yet.</summary>
    public static async Task CreateAsync(PostgresServerResource server, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection($"{await server.GetConnectionStringAsync(cancellationToken)};Database=postgres;Pooling=false");
        await connection.OpenAsync(cancellationToken);
        foreach (var database in server.Databases.Values)
        {
            await using var find = new NpgsqlCommand("SELECT 1 FROM pg_database WHERE datname = $1", connection) { Parameters = { new() { Value = database } } };
            if (await find.ExecuteScalarAsync(cancellationToken) is not null)
            {
                continue;
            }

            // CREATE DATABASE takes no parameters, so the name is quoted here.
            var name = $"\"{database.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
#pragma warning disable CA2100 // The one value in it is the quoted name from the model.
            await using var create = new NpgsqlCommand($"CREATE DATABASE {name}", connection);
#pragma warning restore CA2100
            await create.ExecuteNonQueryAsync(cancellationToken);
        }
    }
}
