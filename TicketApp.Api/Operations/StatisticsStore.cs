using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Dispatch;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Operations;

/// <summary>Reads how the service is doing: in proportion to what is open, never to what is stored.</summary>
internal sealed class StatisticsStore(NpgsqlDataSource database, IOptions<DispatchOptions> options)
{
    private const string OpenSql =
        """
        select coalesce(model, ''), count(*) filter (where status in ('queued', 'retryable', 'dispatched')),
            count(*) filter (where status in ('running', 'canceling')),
            extract(epoch from now() - min(time_created))::float8, grouping(model) = 1
        from tickets where time_finished is null group by grouping sets ((model), ())
        """;

    private const string WorkersSql =
        $"""
        select coalesce(model, ''), count(distinct worker)::int, coalesce(sum(slots), 0)::bigint, grouping(model) = 1
        from ({DispatchStore.Served}) served group by grouping sets ((model), ())
        """;

    private const string RunsSql =
        """
        select coalesce(model, ''),
            percentile_cont(0.5) within group (order by extract(epoch from time_finished - time_started)::float8),
            grouping(model) = 1
        from (
            select model, status, time_started, time_finished from tickets where finished_xid is not null
            order by finished_xid desc, ticket_id desc limit 1000) t
        where status = 'succeeded' and time_started is not null group by grouping sets ((model), ())
        """;

    private const string EndsSql =
        "select coalesce(model, ''), status::text, sum(ended)::bigint, grouping(model) = 1 "
            + "from ticket_totals group by grouping sets ((model, status), (status))";

    public async Task<ServiceStatistics> QueryAsync(CancellationToken cancellationToken)
    {
        await using var batch = database.CreateBatch();
        batch.Add("select now()");
        batch.Add(OpenSql);
        batch.Add(WorkersSql, Value(options.Value.LeaseDuration));
        batch.Add(RunsSql);
        batch.Add(EndsSql);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var asOf = reader.GetDateTime(0);
        Dictionary<string, ModelStatistics> models = new(StringComparer.Ordinal);
        ModelStatistics total = new();
        await EachAsync(4, (row, of) => of with
        {
            Queued = row.GetInt64(1),
            Running = row.GetInt64(2),
            OldestAgeSeconds = row.IsDBNull(3) ? 0 : Math.Round(Math.Max(0, row.GetDouble(3)), 3),
        });
        await EachAsync(3, (row, of) => of with { Workers = row.GetInt32(1), Slots = row.GetInt64(2) });
        await EachAsync(2, (row, of) => of with { MedianRunSeconds = row.IsDBNull(1) ? null : Math.Round(row.GetDouble(1), 3) });
        await EachAsync(3, (row, of) => of with { Finished = With(of.Finished, row.GetString(1), row.GetInt64(2)) });
        return new(total) { AsOf = asOf, Models = models };

        async Task EachAsync(int isTotal, Func<NpgsqlDataReader, ModelStatistics, ModelStatistics> set)
        {
            await reader.NextResultAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                if (reader.GetBoolean(isTotal))
                {
                    total = set(reader, total);
                }
                else
                {
                    models[reader.GetString(0)] = set(reader, models.GetValueOrDefault(reader.GetString(0)) ?? new());
                }
            }
        }
    }

    private static EndStatistics With(EndStatistics ends, string status, long count) => status switch
    {
        "succeeded" => ends with { Succeeded = count },
        "failed" => ends with { Failed = count },
        "timed_out" => ends with { TimedOut = count },
        "expired" => ends with { Expired = count },
        _ => ends with { Canceled = count },
    };
}
