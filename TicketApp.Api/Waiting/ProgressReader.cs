using Npgsql;
using TicketApp.Api.Storage;
using TicketApp.Api.Telemetry;
using TicketApp.ServiceDefaults;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Waiting;

/// <summary>How far a run had got, as its worker reported it.</summary>
/// <param name="Sequence">The number of the report, from 1 in each run.</param>
/// <param name="Fraction">From 0 to 1, if known.</param>
/// <param name="Text">What the answer has grown by.</param>
internal sealed record ProgressReport(int Sequence, double? Fraction, string? Text);

/// <summary>What one statement read of a run's progress.</summary>
/// <param name="Reports">In their order.</param>
/// <param name="HasMore">Whether there may be more to read at once.</param>
internal sealed record ProgressPage(IReadOnlyList<ProgressReport> Reports, bool HasMore);

/// <summary>Whose progress is asked for, and after which report.</summary>
internal readonly record struct ProgressQuestion(Guid TicketId, int Epoch, int After);

/// <summary>Reads progress, of many runs a statement.</summary>
internal sealed class ProgressReader(
    NpgsqlDataSource database, TicketMetrics metrics, LoopProgress progress, ILogger<ProgressReader> logger)
    : Batcher<ProgressQuestion, ProgressPage>("read progress", database, metrics, progress, logger, maxBatch: 200, capacity: 20_000)
{
    private const int MaxReports = 100;

    // Of all the runs of one statement; each may have a million.
    private const int MaxCharacters = 8_000_000;

    private const string Sql =
        """
        select w.place, p.seq, p.fraction::float8, p.text
        from unnest($1, $2, $3) with ordinality w (ticket_id, epoch, seq, place) cross join lateral (
            select seq, fraction, text from ticket_progress p
            where p.ticket_id = w.ticket_id and p.epoch = w.epoch and p.seq > w.seq order by seq limit 100) p
        order by w.place, p.seq
        """;

    /// <summary>Tickets are served without it.</summary>
    public override bool IsEssential => false;

    protected override bool IsRepeatable => true;

    /// <summary>
    /// Reads the reports of a run in their order, up to the first that has not come: a replica that is held up may store it after others
    /// have stored later ones.
    /// </summary>
    /// <param name="ticketId">The ticket.</param>
    /// <param name="epoch">The epoch of the run.</param>
    /// <param name="after">The last report that is known; 0: none.</param>
    /// <param name="hasEnded">Whether no more will come, so that nothing is waited for.</param>
    public async IAsyncEnumerable<ProgressReport> InOrderAsync(Guid ticketId, int epoch, int after, bool hasEnded = false)
    {
        ProgressPage page;
        do
        {
            page = await SubmitAsync(new(ticketId, epoch, after));
            foreach (var report in page.Reports)
            {
                if (report.Sequence != after + 1 && !hasEnded)
                {
                    yield break;
                }

                after = report.Sequence;
                yield return report;
            }
        }
        while (page.HasMore);
    }

    protected override async Task<IReadOnlyList<ProgressPage>> ExecuteBatchAsync(IReadOnlyList<ProgressQuestion> items)
    {
        var found = items.Select(_ => new List<ProgressReport>()).ToArray();
        await using var command = Database.CreateCommand(
            Sql, Column(items, item => item.TicketId), Column(items, item => item.Epoch), Column(items, item => item.After));
        await using var reader = await command.ExecuteReaderAsync();
        var (characters, complete) = (0, items.Count);
        while (await reader.ReadAsync())
        {
            var place = (int)reader.GetInt64(0) - 1;
            if (characters > MaxCharacters)
            {
                complete = place;
                break;
            }

            var text = reader.Text(3);
            characters += text?.Length ?? 0;
            found[place].Add(new(reader.GetInt32(1), reader.IsDBNull(2) ? null : Math.Round(reader.GetDouble(2), 4), text));
        }

        return [.. found.Select((reports, place) => new ProgressPage(reports, HasMore: place >= complete || reports.Count == MaxReports))];
    }
}
