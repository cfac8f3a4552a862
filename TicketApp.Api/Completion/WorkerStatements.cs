using Npgsql;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;
using TicketApp.Messaging;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Completion;

/// <summary>The statements that record who is there and what they serve.</summary>
internal static class WorkerStatements
{
    private const string ForgetWorkersSql =
        """
        delete from workers where worker = any(array(
            select worker from workers where last_seen < now() - interval '1 hour' order by worker limit $1 for update skip locked))
        """;

    // Workers name themselves: a stolen credential could make up any number of them, which are all read each second.
    private const string WorkerSql =
        """
        insert into workers (worker, slots, models, unavailable, last_seen)
        select r.worker, r.slots, r.models::jsonb, r.unavailable::jsonb, now()
        from unnest($1, $2, $3, $4) r (worker, slots, models, unavailable) left join workers w on w.worker = r.worker
        where w.worker is not null or (select count(*) from workers) < 5000
        order by r.worker
        on conflict on constraint workers_pk do update set slots = excluded.slots, models = excluded.models,
            unavailable = excluded.unavailable, last_seen = excluded.last_seen
        """;

    // Every worker says the same every ten seconds: nothing is written, nor a row locked, unless it is news. Each name gets a queue, and a
    // stolen credential could make up any number of them.
    private const string ModelSql =
        """
        insert into models (
            name, description, input_required, max_input_characters, largest_batch, kind, input_schema_id, input_schema, last_seen)
        select r.name, r.description, r.input_required, r.max_input_characters, r.largest_batch, r.kind,
            -- A schema is not in each heartbeat: until it comes, that of the model stays.
            case when r.schema_id is null or r.schema is not null then r.schema_id else m.input_schema_id end,
            case when r.schema_id is null or r.schema is not null then r.schema else m.input_schema end,
            now()
        from unnest($1, $2, $3, $4, $5, $6, $7, $8)
            r (name, description, input_required, max_input_characters, largest_batch, kind, schema_id, schema)
        left join models m on m.name = r.name
        where not (
            m.last_seen > now() - interval '1 minute'
            and (m.description, m.input_required, m.max_input_characters, m.largest_batch)
                = (r.description, r.input_required, r.max_input_characters, r.largest_batch)
            and m.kind is not distinct from r.kind
            and (m.input_schema_id is not distinct from r.schema_id or r.schema_id is not null and r.schema is null)) is true
        and (m.name is not null or (select count(*) from models) < 1000)
        order by r.name
        on conflict on constraint models_pk do update set description = excluded.description, input_required = excluded.input_required,
            max_input_characters = excluded.max_input_characters, largest_batch = excluded.largest_batch, kind = excluded.kind,
            input_schema_id = excluded.input_schema_id, input_schema = excluded.input_schema, last_seen = excluded.last_seen
        """;

    /// <summary>Workers that were not heard of for an hour go.</summary>
    public static Expiry Expiry { get; } = new("removal of workers", TimeSpan.FromMinutes(1), new ExpiryStatement(ForgetWorkersSql));

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
            batch.Add(
                WorkerSql,
                Column(workers, worker => worker.Worker), Column(workers, worker => worker.Models!.Sum(model => model.Slots)),
                Column(workers, ServedBy), Column(workers, UnavailableAt));
            var models = heartbeats.SelectMany(heartbeat => heartbeat.Models ?? [])
                .GroupBy(model => model.Name).Select(offers => Latest([.. offers]));
            AddModels(batch, [.. models], isCheck);
        }
    }

    /// <summary>What was said last, with the schema if it was in an earlier heartbeat.</summary>
    private static ModelOffer Latest(ModelOffer[] offers)
    {
        var last = offers[^1];
        return last with
        {
            InputSchema = offers
                .LastOrDefault(offer => offer.InputSchemaId == last.InputSchemaId && offer.InputSchema is not null)?.InputSchema,
        };
    }

    private static string? SchemaOf(ModelOffer model) => model switch
    {
        { InputSchema: null } or { InputSchemaId: null } => null,
        { InputSchema: { IsJson: true, Text: { Length: <= InputSchema.MaxBytes } text } } => text,
        _ => "",
    };

    private static void AddModels(NpgsqlBatch batch, ModelOffer[] models, bool isCheck)
    {
        if (models.Length > 0 || isCheck)
        {
            batch.Add(
                ModelSql,
                Column(models, model => model.Name), Column(models, model => model.Description),
                Column(models, model => model.InputRequired),
                Column(models, model => model.MaxInputCharacters), Column(models, model => model.LargestBatch),
                Column(models, model => model.Kind), Column(models, model => model.InputSchemaId), Column(models, SchemaOf));
        }
    }

    private static string ServedBy(WorkerReport worker) =>
        System.Text.Json.JsonSerializer.Serialize(
            worker.Models!.GroupBy(model => model.Name).ToDictionary(group => group.Key, group => group.Last().Slots),
            ApiJson.Default.DictionaryStringInt32);

    private static string UnavailableAt(WorkerReport worker) =>
        System.Text.Json.JsonSerializer.Serialize(
            [.. worker.Models!.Where(model => model.IsUnavailable).Select(model => model.Name)], ApiJson.Default.StringArray);
}
