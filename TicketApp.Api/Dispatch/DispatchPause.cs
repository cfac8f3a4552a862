using Npgsql;

namespace TicketApp.Api.Dispatch;

/// <summary>Whether dispatching is paused.</summary>
/// <param name="Paused">While it is, new tickets are accepted and wait; dispatched tickets continue.</param>
/// <param name="PausedAt">Since when.</param>
public sealed record DispatchState(bool Paused, DateTimeOffset? PausedAt);

/// <summary>
/// The switch that stops dispatching on every replica. It is kept in the database, where each of them looks several times a second.
/// </summary>
internal sealed class DispatchPause(NpgsqlDataSource database)
{
    public async Task<DispatchState> PauseAsync(CancellationToken cancellationToken)
    {
        await ExecuteAsync(
            "insert into dispatch_pause default values on conflict on constraint dispatch_pause_pk do nothing",
            cancellationToken);
        return await StateAsync(cancellationToken);
    }

    public async Task<DispatchState> ResumeAsync(CancellationToken cancellationToken)
    {
        await ExecuteAsync("delete from dispatch_pause", cancellationToken);
        return await StateAsync(cancellationToken);
    }

    public async Task<DispatchState> StateAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("select time_paused from dispatch_pause");
        return await command.ExecuteScalarAsync(cancellationToken) is DateTime since ? new(true, since) : new(false, null);
    }

    private async Task ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
