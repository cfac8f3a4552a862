using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Completion;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;

namespace TicketApp.Api.Tickets;

/// <summary>Cancels tickets. The row is the truth: what it says counts even if no worker ever hears of it.</summary>
internal sealed class TicketCanceler(
    NpgsqlDataSource database, CancellationPublisher notifier, OpenTickets open, TicketObservers observers,
    IOptions<DispatchOptions> dispatch)
{
    // One that is known to run ends when its worker says so, or its lease ends. Of any other a result counts no more from now on.
    private const string CancelSql =
        """
        update tickets t set
            status = case when t.status in ('running', 'canceling') then 'canceling' else 'canceled' end::ticket_status,
            time_finished = case when t.status not in ('running', 'canceling') then now() end,
            lease_expires = case when t.status in ('running', 'canceling') then t.lease_expires end
        where t.ticket_id = $1 and t.time_finished is null
        returning status::text, epoch
        """;

    private const string StatusSql = "select status::text from tickets where ticket_id = $1";

    /// <summary>Cancels a ticket, unless it is known to have ended, and tells those who follow it.</summary>
    public async Task<CancelOutcome> CancelAsync(TicketRecord row, CancellationToken cancellationToken)
    {
        var outcome = row.IsFinished
            ? new(CancelResult.AlreadyFinished, row.Status)
            : await CancelAsync(row.TicketId, cancellationToken);
        observers.Changed(row.TicketId);
        return outcome;
    }

    /// <summary>Cancels a ticket; harmless to repeat.</summary>
    public async Task<CancelOutcome> CancelAsync(Guid ticketId, CancellationToken cancellationToken)
    {
        if (await TryCancelAsync(ticketId, cancellationToken) is not var (status, epoch))
        {
            return await FinishedAsync(ticketId, cancellationToken);
        }

        if (status == TicketStatus.Canceled)
        {
            open.Add(-1);
        }

        // Dispatched at some time, it may be on its way to a worker, or run there already without having been reported.
        if (epoch > 0)
        {
            notifier.Stop([new(ticketId, epoch)], dispatch.Value.LeaseDuration);
        }

        return new(status == TicketStatus.Canceled ? CancelResult.Canceled : CancelResult.Canceling, status);
    }

    private async Task<(TicketStatus Status, int Epoch)?> TryCancelAsync(Guid ticketId, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(CancelSql);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = ticketId });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? (TicketStatusNames.Parse(reader.GetString(0)), reader.GetInt32(1)) : null;
    }

    private async Task<CancelOutcome> FinishedAsync(Guid ticketId, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(StatusSql);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = ticketId });
        return await command.ExecuteScalarAsync(cancellationToken) is string status
            ? new(CancelResult.AlreadyFinished, TicketStatusNames.Parse(status))
            : new(CancelResult.NotFound, default);
    }
}

/// <summary>What became of a ticket that was to be canceled.</summary>
internal enum CancelResult
{
    /// <summary>There is no such ticket.</summary>
    NotFound,

    /// <summary>It did not run, and never will.</summary>
    Canceled,

    /// <summary>Its worker is told to stop; it ends as canceled then, unless its result was quicker.</summary>
    Canceling,

    /// <summary>It had ended before, which stays so.</summary>
    AlreadyFinished,
}

/// <summary>What became of a ticket that was to be canceled.</summary>
/// <param name="Result">What became of it.</param>
/// <param name="Status">Where it is now; of no meaning if it was not found.</param>
internal readonly record struct CancelOutcome(CancelResult Result, TicketStatus Status);
