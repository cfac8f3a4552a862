using Npgsql;

namespace TicketApp.Tests.Fixtures;

/// <summary>Tickets with webhooks that start and end when a test says so: the engine leaves them alone.</summary>
internal sealed class WebhookTickets(NpgsqlDataSource database) : IAsyncDisposable
{
    /// <summary>Stores tickets that have finished, on a database of their own.</summary>
    /// <param name="database">Where nothing else is.</param>
    /// <param name="url">Their receiver; null: they have no webhook.</param>
    /// <param name="count">How many.</param>
    /// <param name="events">1: the start, 2: the end, 3: both.</param>
    public static Task StoreFinishedAsync(ScratchDatabase database, string? url, int count, int events = 2) => database.ExecuteAsync(
        $"""
        with u as (insert into users (user_id) values (gen_random_uuid()) returning user_id)
        insert into tickets (ticket_id, user_id, status, queue_key, expires_at, due_at, webhook_url, webhook_events)
        select gen_random_uuid(), user_id, 'queued', 0, now(), now(), {(url is null ? "null, null" : $"'{url}', {events}")}
        from u, generate_series(1, {count});
        update tickets set status = 'succeeded', time_finished = now(), response = 'Happy message' where time_finished is null;
        """);

    /// <summary>Stores tickets of one user that have finished, one for each receiver.</summary>
    public static Task StoreFinishedAsync(ScratchDatabase database, string[] urls) => database.ExecuteAsync(
        $"""
        with u as (insert into users (user_id) values (gen_random_uuid()) returning user_id)
        insert into tickets (ticket_id, user_id, status, queue_key, expires_at, due_at, webhook_url, webhook_events)
        select gen_random_uuid(), user_id, 'queued', 0, now(), now(), url, 2
        from u, string_to_array('{string.Join(' ', urls)}', ' ') as list, unnest(list) as url;
        update tickets set status = 'succeeded', time_finished = now(), response = 'Happy message' where time_finished is null;
        """);

    /// <summary>A ticket of that user that waits; its user is told about start and end.</summary>
    public async Task<Guid> CreateAsync(Guid userId, string url)
    {
        var ticketId = Guid.CreateVersion7();
        await ExecuteAsync(
            """
            insert into tickets (ticket_id, user_id, status, attempt, queue_key, expires_at, due_at, webhook_url, webhook_events)
            values ($1, $2, 'retryable', 1, 0, now() + interval '1 hour', now() + interval '1 hour', $3, 3)
            """,
            ticketId, userId, url);
        return ticketId;
    }

    public Task StartAsync(Guid ticketId) => ExecuteAsync(
        """
        update tickets set status = 'running', time_started = now(), lease_expires = now() + interval '1 hour'
        where ticket_id = $1
        """,
        ticketId);

    public Task FinishAsync(Guid ticketId, string response = "Happy message") => ExecuteAsync(
        """
        update tickets set status = 'succeeded', time_finished = now(), lease_expires = null, response = $2
        where ticket_id = $1
        """,
        ticketId, response);

    public ValueTask DisposeAsync() => database.DisposeAsync();

    private async Task ExecuteAsync(string sql, params object[] values)
    {
        await using var command = database.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.AddWithValue(value);
        }

        Assert.Equal(1, await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken));
    }
}
