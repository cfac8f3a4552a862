using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Completion;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Tickets;

/// <summary>Cancels tickets. The row is the truth: what it says counts even if no worker ever hears of it.</summary>
internal sealed class TicketCanceler(
    NpgsqlDataSource database, CancellationPublisher notifier, OpenTickets open, TicketObservers observers,
    IOptions<DispatchOptions> dispatch)
{
    // One that is known to run ends when its worker says so, or its lease ends. Of any other a result counts no more from now on.
    private const string CancelSql =
        $"""
        update tickets t set
            status = case when t.status in ('running', 'canceling') then 'canceling' else 'canceled' end::ticket_status,
            time_finished = case when t.status not in ('running', 'canceling') then now() end,
            lease_expires = case when t.status in ('running', 'canceling') then t.lease_expires end
        where t.ticket_id = $1 and t.time_finished is null
        returning {TicketRecord.Columns}
        """;

    private const string FindSql = $"select {TicketRecord.Columns} from tickets t where t.ticket_id = $1";

    /// <summary>Cancels a ticket, unless it is known to have ended, and tells those who follow it; harmless to repeat.</summary>
    /// <returns>
    /// The ticket as it is now; null if it is gone. One that did not run is canceled, and never will. One that runs is canceling: its
    /// worker is told to stop, and it ends as canceled then, unless its result is quicker. One that had ended stays as it was.
    /// </returns>
    public async Task<TicketRecord?> CancelAsync(TicketRecord row, CancellationToken cancellationToken)
    {
        if (row.IsFinished)
        {
            return row;
        }

        var canceled = await ReadAsync(CancelSql, row.TicketId, cancellationToken);
        observers.Changed(row.TicketId);
        if (canceled is null)
        {
            return await ReadAsync(FindSql, row.TicketId, cancellationToken);
        }

        if (canceled.IsFinished)
        {
            open.Add(-1);
        }

        // Dispatched at some time, it may be on its way to a worker, or run there already without having been reported.
        if (canceled.Epoch > 0)
        {
            notifier.Stop([new(canceled.TicketId, canceled.Epoch)], dispatch.Value.LeaseDuration);
        }

        return canceled;
    }

    private async Task<TicketRecord?> ReadAsync(string sql, Guid ticketId, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(sql, Value(ticketId));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? TicketRecord.Read(reader) : null;
    }
}
