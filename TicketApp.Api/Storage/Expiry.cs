using Npgsql;
using TicketApp.ServiceDefaults;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Storage;

/// <summary>What is kept for a time, and then removed whatever it says.</summary>
/// <param name="Name">The removal, as logs and health say it.</param>
/// <param name="Interval">How often is looked for more; infinite: it is kept for ever.</param>
/// <param name="Statements">Each removes up to $1 rows.</param>
internal sealed record Expiry(string Name, TimeSpan Interval, params IReadOnlyList<ExpiryStatement> Statements)
{
    /// <summary>Removes up to <paramref name="part"/> rows by each statement.</summary>
    /// <returns>How many.</returns>
    public async Task<int> RemoveAsync(NpgsqlDataSource database, int part, CancellationToken cancellationToken)
    {
        var removed = 0;
        foreach (var (sql, bound) in Statements)
        {
            await using var command = database.CreateCommand(sql, Value(part));
            if (bound is not null)
            {
                command.Parameters.Add(bound());
            }

            removed += await command.ExecuteNonQueryAsync(cancellationToken);
        }

        return removed;
    }
}

/// <summary>A part of an <see cref="Expiry"/>.</summary>
/// <param name="Sql">Removes up to $1 rows.</param>
/// <param name="Bound">Its $2, such as the first id that stays. Asked for again with each part, because time passes.</param>
internal sealed record ExpiryStatement(string Sql, Func<NpgsqlParameter>? Bound = null);

/// <summary>Removes what an <see cref="Expiry"/> says.</summary>
internal sealed class ExpiryLoop(
    Expiry expiry, NpgsqlDataSource database, DatabaseMigrator migrator, LoopProgress progress, ILogger<ExpiryLoop> logger)
    : PurgeLoop(expiry.Name, expiry.Interval, migrator, progress, logger)
{
    protected override async Task<bool> PurgeAsync(int part, CancellationToken stoppingToken) =>
        await expiry.RemoveAsync(database, part, stoppingToken) > 0;
}

internal static class ExpiryServices
{
    /// <summary>Adds a loop that removes what <paramref name="expiry"/> says.</summary>
    public static IServiceCollection AddExpiry(this IServiceCollection services, Func<IServiceProvider, Expiry> expiry) =>
        // Not AddHostedService, which adds a type once.
        services.AddSingleton<IHostedService>(provider => new ExpiryLoop(
            expiry(provider),
            provider.GetRequiredService<NpgsqlDataSource>(),
            provider.GetRequiredService<DatabaseMigrator>(),
            provider.GetRequiredService<LoopProgress>(),
            provider.GetRequiredService<ILogger<ExpiryLoop>>()));
}
