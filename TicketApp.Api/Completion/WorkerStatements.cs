using Npgsql;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;
using TicketApp.Messaging;

namespace TicketApp.Api.Completion;

/// <summary>The statements that record who is there and what they serve.</summary>
internal static class WorkerStatements
{
    private const string ForgetWorkersSql =
        """
        delete from workers where worker = any(array(
            select worker from workers where last_seen < now() - interval '1 hour' order by worker limit $1 for update skip locked))
        """;

    private const string ForgetModelsSql =
        """
        delete from models where name = any(array(
            select name from models where last_seen < now() - interval '7 days' order by name limit $1 for update skip locked))
        """;

    private const string WorkerSql =
        """
        insert into workers (worker, slots, models, last_seen)
        select worker, slots, models::jsonb, now() from unnest($1, $2, $3) w (worker, slots, models) order by worker
        on conflict on constraint workers_pk do update set slots = excluded.slots, models = excluded.models, last_seen = excluded.last_seen
        """;

    // Every worker says the same every ten seconds: nothing is written, nor a row locked, unless it is news. Each name gets a queue, and a
    // stolen credential could make up any number of them.
    private const string ModelSql =
        """
        insert into models (name, description, input_required, max_input_characters, largest_batch, last_seen)
        select r.*, now() from unnest($1, $2, $3, $4, $5) r (name, description, input_required, max_input_characters, largest_batch)
        where not exists (
            select from models m where m.name = r.name and m.last_seen > now() - interval '1 minute'
            and (m.description, m.input_required, m.max_input_characters, m.largest_batch)
                = (r.description, r.input_required, r.max_input_characters, r.largest_batch))
        and (exists (select from models m where m.name = r.name) or (select count(*) from models) < 1000)
        order by r.name
        on conflict on constraint models_pk do update set description = excluded.description, input_required = excluded.input_required,
            max_input_characters = excluded.max_input_characters, largest_batch = excluded.largest_batch, last_seen = excluded.last_seen
        """;

    /// <summary>Workers that were not heard of for an hour go, and models that no worker has served for a week.</summary>
    public static Expiry Expiry { get; } = new(
        "removal of workers and models",
        TimeSpan.FromMinutes(1),
        new ExpiryStatement(ForgetWorkersSql),
        new ExpiryStatement(ForgetModelsSql));

    /// <summary>Adds those that <paramref name="heartbeats"/> call for.</summary>
    /// <param name="batch">Gets them.</param>
    /// <param name="heartbeats">What workers said of themselves.</param>
    /// <param name="isCheck">Adds them though there is nothing to record.</param>
    public static void AddWorkers(NpgsqlBatch batch, WorkerReport[] heartbeats, bool isCheck)
    {
        // One row a worker, the last that it said: an upsert cannot touch a row twice.
        WorkerReport[] workers =
        [
            .. heartbeats
                .Where(heartbeat => heartbeat.Models is not null)
                .GroupBy(heartbeat => heartbeat.Worker)
                .Select(group => group.Last()),
        ];
        if (workers.Length > 0 || isCheck)
        {
            batch.BatchCommands.Add(new(WorkerSql)
            {
                Parameters =
                {
                    Column(workers, worker => worker.Worker),
                    Column(workers, worker => worker.Models!.Sum(model => model.Slots)),
                    Column(workers, ServedBy),
                },
            });
            var models = workers.SelectMany(worker => worker.Models!).GroupBy(model => model.Name).Select(group => group.Last());
            AddModels(batch, [.. models], isCheck);
        }
    }

    private static void AddModels(NpgsqlBatch batch, ModelOffer[] models, bool isCheck)
    {
        if (models.Length > 0 || isCheck)
        {
            batch.BatchCommands.Add(new(ModelSql)
            {
                Parameters =
                {
                    Column(models, model => model.Name), Column(models, model => model.Description),
                    Column(models, model => model.InputRequired),
                    Column(models, model => model.MaxInputCharacters), Column(models, model => model.LargestBatch),
                },
            });
        }
    }

    private static string ServedBy(WorkerReport worker) =>
        System.Text.Json.JsonSerializer.Serialize(
            worker.Models!.GroupBy(model => model.Name).ToDictionary(group => group.Key, group => group.Last().Slots),
            ApiJson.Default.DictionaryStringInt32);

    private static NpgsqlParameter<TColumn[]> Column<TRow, TColumn>(TRow[] rows, Converter<TRow, TColumn> value) =>
        new() { TypedValue = Array.ConvertAll(rows, value) };
}
