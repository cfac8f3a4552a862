using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;
using TicketApp.Messaging;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Completion;

/// <summary>Applies workers' reports: any number in one round trip and one transaction.</summary>
internal sealed class ReportStore(NpgsqlDataSource database, IOptions<DispatchOptions> dispatch, IOptions<TicketOptions> tickets)
{
    /// <summary>Applies <paramref name="reports"/>; their order within the batch does not matter.</summary>
    public Task<ReportOutcome> ApplyAsync(IReadOnlyList<WorkerReport> reports, CancellationToken cancellationToken) =>
        ApplyAsync(reports, isCheck: false, cancellationToken);

    /// <summary>Gives the database every statement with nothing to do: whether it would accept reports now.</summary>
    public Task CheckAsync(CancellationToken cancellationToken) => ApplyAsync([], isCheck: true, cancellationToken);

    private async Task<ReportOutcome> ApplyAsync(IReadOnlyList<WorkerReport> reports, bool isCheck, CancellationToken cancellationToken)
    {
        ReportOutcome outcome = new();
        HashSet<RunReference> wanted = [];
        HashSet<Guid> moved = [];
        // In the order of their tickets' ids, in which all statements lock them.
        var groups = reports.Where(IsNews(reports)).OrderBy(report => report.TicketId).ToLookup(report => report.Type);
        await using var batch = database.CreateBatch();
        // Starts and heartbeats before ends, and a redelivery last: it must not shorten the lease of what ends in the same batch.
        // Only statements that return rows have a result to read: the driver steps over the others.
        List<Func<NpgsqlDataReader, Task>> readers = [];
        WorkerStatements.AddWorkers(batch, [.. groups[ReportType.Heartbeat]], isCheck);
        RunReference[] runs = [.. groups[ReportType.Heartbeat].SelectMany(heartbeat => heartbeat.Runs ?? []).OrderBy(run => run.TicketId)];
        AddLock();
        if (runs.Length > 0 || isCheck)
        {
            batch.Add(
                ReportStatements.Heartbeat,
                Value(Array.ConvertAll(runs, run => run.TicketId)), Value(Array.ConvertAll(runs, run => run.Epoch)),
                Value(dispatch.Value.LeaseDuration));
            readers.Add(ReadWantedAsync);
        }

        Add(
            ReportType.Started, ReportStatements.Started, ReadWantedAsync,
            Column(report => report.Worker), Column(report => report.RunMilliseconds),
            // A report that says nothing of a limit sets none. A number out of range must not overflow a time.
            Column(report => Math.Clamp(report.ExecutionTimeoutMilliseconds ?? int.MaxValue, 0, int.MaxValue)),
            _ => Value(dispatch.Value.LeaseDuration));
        Add(
            ReportType.Progress, ReportStatements.Progress, read: null,
            Column(report => report.Sequence), Column(report => report.Fraction), Column(report => report.Text));
        Add(
            ReportType.Finished, ReportStatements.Finished, ReadMovedAsync,
            Column(report => report.RunMilliseconds), Column(report => report.Worker),
            Column(report => report.Response?.Text), Column(report => report.Response is { IsJson: true }),
            Column(report => report.Details?.GetRawText()));
        Add(
            ReportType.Failed, ReportStatements.Failed, ReadMovedAsync,
            Column(report => report.RunMilliseconds), Column(report => report.Worker),
            Column(report => report.ErrorType ?? "model_error"), Column(report => report.ErrorMessage), Column(report => report.IsFinal),
            Column(report => report.IsRefused),
            Column(report => Math.Max(0, report.RetryAfterMilliseconds)),
            _ => Value(tickets.Value.RetryPause), _ => Value(tickets.Value.MaxRetryPause));
        Add(ReportType.Returned, ReportStatements.Returned, ReadMovedAsync, Column(report => report.RunMilliseconds));
        Add(ReportType.Redelivered, ReportStatements.Redelivered, read: null);
        if (batch.BatchCommands.Count == 0)
        {
            return outcome;
        }

        await using (var reader = await batch.ExecuteReaderAsync(cancellationToken))
        {
            foreach (var read in readers)
            {
                await read(reader);
                await reader.NextResultAsync(cancellationToken);
            }
        }

        outcome.Canceled.AddRange(groups[ReportType.Started]
            .Select(report => new RunReference(report.TicketId, report.Epoch))
            .Concat(runs)
            .Where(run => !wanted.Contains(run)));
        outcome.Changed.AddRange(groups[ReportType.Started]
            .Concat(groups[ReportType.Progress])
            .Concat(groups[ReportType.Redelivered])
            .Select(report => report.TicketId));
        var ended = groups[ReportType.Finished].Concat(groups[ReportType.Failed]);
        await RecordLateAsync([.. ended.Where(report => !moved.Contains(report.TicketId))], outcome, cancellationToken);
        return outcome;

        void AddLock()
        {
            var changing = groups
                .Where(group => group.Key is not (ReportType.Heartbeat or ReportType.Progress or ReportType.Probe))
                .ToArray();
            if (isCheck || changing.Length + (runs.Length > 0 ? 1 : 0) > 1)
            {
                var ticketIds = changing
                    .SelectMany(group => group.Select(report => report.TicketId))
                    .Concat(runs.Select(run => run.TicketId));
                batch.Add(ReportStatements.Lock, Value(ticketIds.ToArray()));
                readers.Add(_ => Task.CompletedTask);
            }
        }

        void Add(
            ReportType type, string sql, Func<NpgsqlDataReader, Task>? read,
            params ReadOnlySpan<Func<WorkerReport[], NpgsqlParameter>> columns)
        {
            WorkerReport[] rows = [.. groups[type]];
            if (rows.Length == 0 && !isCheck)
            {
                return;
            }

            NpgsqlBatchCommand command = new(sql)
            {
                Parameters = { Value(Array.ConvertAll(rows, row => row.TicketId)), Value(Array.ConvertAll(rows, row => row.Epoch)) },
            };
            foreach (var column in columns)
            {
                command.Parameters.Add(column(rows));
            }

            batch.BatchCommands.Add(command);
            if (read is not null)
            {
                readers.Add(read);
            }
        }

        async Task ReadWantedAsync(NpgsqlDataReader reader)
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                wanted.Add(new(reader.GetGuid(0), reader.GetInt32(1)));
            }
        }

        async Task ReadMovedAsync(NpgsqlDataReader reader)
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                var ticket = TicketSummary.Read(reader, age: 6);
                moved.Add(ticket.TicketId);
                outcome.Add(ticket, reader.GetString(4), reader.GetInt32(5));
            }
        }
    }

    /// <summary>Of progress without text, only the latest of a run: while reports wait, the others tell nobody anything.</summary>
    private static Func<WorkerReport, bool> IsNews(IReadOnlyList<WorkerReport> reports)
    {
        var latest = reports
            .Where(report => report.Type == ReportType.Progress)
            .GroupBy(report => new RunReference(report.TicketId, report.Epoch))
            .ToDictionary(run => run.Key, run => run.Max(report => report.Sequence));
        return report => report is not { Type: ReportType.Progress, Text: null }
            || report.Sequence == latest[new(report.TicketId, report.Epoch)];
    }

    private static Func<WorkerReport[], NpgsqlParameter> Column<T>(Converter<WorkerReport, T> value) =>
        rows => Value(Array.ConvertAll(rows, value));

    private async Task RecordLateAsync(WorkerReport[] late, ReportOutcome outcome, CancellationToken cancellationToken)
    {
        if (late.Length == 0)
        {
            return;
        }

        await using var command = database.CreateCommand(
            ReportStatements.Late, Value(Array.ConvertAll(late, report => report.TicketId)),
            Value(Array.ConvertAll(late, report => report.Epoch)), Value(Array.ConvertAll(late, report => report.Worker)));
        outcome.Late = await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
