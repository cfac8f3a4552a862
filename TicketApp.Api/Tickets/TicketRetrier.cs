using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Database;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Limits;
using TicketApp.Api.Waiting;

namespace TicketApp.Api.Tickets;

/// <summary>Lets a ticket that ended without a response run again, as its caller asks: at the end of its user's backlog, under the next epoch, with new limits.</summary>
internal sealed class TicketRetrier(
    NpgsqlDataSource database, Dispatcher dispatcher, OpenTickets open, RunningTicketLimit limit, TicketWatch watch, IOptions<TicketOptions> options)
{
    // The earlier end stays on record. That no message to "errors" is due any more is right: the ticket has not failed for good.
    private const string Sql =
        $"""
        with i as (
            select *, 1 as place_in_model, 1 as place_in_flow from tickets
            where ticket_id = $1 and status in ('failed', 'timed_out', 'expired', 'canceled') and attempt < {MostAttempts} for update),
        recorded as (
            insert into ticket_attempts (ticket_id, epoch, outcome, attempt, worker, time_started, time_ended, error_type, error_message)
            select ticket_id, epoch, status::text, attempt, worker, time_started, time_finished, error_type, error_message from i
            on conflict on constraint ticket_attempts_pk do nothing),
        placed as (select i.ticket_id, {TicketInserts.QueueKey} as queue_key from i {TicketInserts.HeadAndFlow})
        update tickets t set
            status = 'queued', epoch = t.epoch + 1, queue_key = placed.queue_key, max_attempts = t.attempt + $2,
            expires_at = now() + coalesce(t.deadline_s * interval '1 s', $3),
            due_at = now() + least(coalesce(t.queue_ttl_s * interval '1 s', $4), coalesce(t.deadline_s * interval '1 s', $3)),
            time_finished = null, finished_xid = null, report_pending = false, response = null, response_details = null, error_type = null, error_message = null,
            time_started = null, worker = null
        from placed where t.ticket_id = placed.ticket_id
        returning {TicketRow.Columns}
        """;

    private const string MostAttempts = "1000";

    /// <summary>Puts the ticket back into the backlog.</summary>
    /// <returns>The ticket as it is now; null if it is in no state to run again.</returns>
    /// <exception cref="OverloadedException">As many tickets are open as may be.</exception>
    public async Task<TicketRow?> RetryAsync(Guid ticketId, CancellationToken cancellationToken)
    {
        if (open.Estimate >= options.Value.MaxOpen)
        {
            throw new OverloadedException("Too many tickets are open.");
        }

        await using var command = database.CreateCommand(limit.IsOn ? TicketInserts.BehindRelease(Sql) : Sql);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = ticketId });
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)options.Value.MaxAttempts });
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = options.Value.ProcessingLimit });
        command.Parameters.Add(new NpgsqlParameter<TimeSpan?> { TypedValue = options.Value.QueueLimit });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
        {
            return null;
        }

        var row = TicketRow.Read(reader);
        open.Add(1);
        dispatcher.BacklogGrew(row.Model);
        watch.Changed(ticketId);
        return row;
    }
}
