using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.InputSchemas;
using TicketApp.Api.Storage;
using TicketApp.Messaging;
using TicketApp.Messaging.Broker;
using TicketApp.ServiceDefaults;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Dispatch;

/// <summary>
/// Which models tickets can choose, and who serves them: from what workers report, as it was a second ago at most. A replica is not healthy
/// before it knows them, since it would refuse every ticket.
/// </summary>
internal sealed class ModelCatalog(
    NpgsqlDataSource database,
    IOptions<TicketOptions> tickets,
    IOptions<DispatchOptions> dispatch,
    BrokerPublisher broker,
    DatabaseMigrator migrator,
    LoopProgress progress,
    InputChecks checks,
    ILogger<ModelCatalog> logger) : DatabaseLoop("list of models", migrator, progress, logger), IHealthCheck
{
    // Of a default model that no worker has ever served, nothing more is known.
    private const int MaxUnknownInput = 10_000;
    private static readonly TimeSpan _tellAgain = TimeSpan.FromMinutes(1);

    private const string Sql =
        $"""
        select m.name, m.description, m.input_required, m.max_input_characters, m.largest_batch,
            coalesce(s.workers, 0), coalesce(s.slots, 0), coalesce(s.is_unavailable, false), m.kind, m.input_schema_id
        from models m left join (
            select model, count(*)::int as workers, sum(slots) as slots, bool_and(is_unavailable) as is_unavailable
            from ({DispatchStore.Served}) served group by model) s
            on s.model = m.name
        order by m.name
        """;

    private volatile Dictionary<string, KnownModel>? _models;
    private IReadOnlyList<UnusedSchema> _unused = [];
    private long _told;

    /// <summary>The model of a ticket that names none. It is always known.</summary>
    public string Default => tickets.Value.DefaultModel;

    /// <summary>All that are known, by name.</summary>
    /// <exception cref="TimeoutException">The database could not be read since the start.</exception>
    public IReadOnlyCollection<KnownModel> All => Models.Values;

    /// <inheritdoc/>
    public override bool IsEssential => true;

    private Dictionary<string, KnownModel> Models => _models ?? throw new TimeoutException("The models are not known yet.");

    /// <summary>Finds a model.</summary>
    /// <exception cref="TimeoutException">As for <see cref="All"/>.</exception>
    public bool TryGet(string name, [NotNullWhen(true)] out KnownModel? model) => Models.TryGetValue(name, out model);

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(_models is not null
            ? HealthCheckResult.Healthy()
            : new HealthCheckResult(context.Registration.FailureStatus, "They are not known yet."));

    protected override TimeSpan PollInterval => TimeSpan.FromSeconds(1);

    protected override async Task WorkAsync(CancellationToken stoppingToken)
    {
        _models = await ReadAsync(stoppingToken);
        foreach (var model in All)
        {
            var queue = QueueNames.TicketsOf(model.Name);
            if (model.Workers == 0)
            {
                // Another replica deletes it after a week.
                broker.Forget(queue);
                continue;
            }

            // The broker may be away, which tickets can do without.
            _ = broker.PrepareAsync(queue);
        }

        await TellUnusedAsync(stoppingToken);
    }

    /// <summary>
    /// Tells workers which schemas are not used, since their authors rarely see the log of the API: at once, and again for those that
    /// start later.
    /// </summary>
    private async Task TellUnusedAsync(CancellationToken cancellationToken)
    {
        UnusedSchema[] unused = [.. checks.Unused.Where(schema => TryGet(schema.Model, out var model) && model.Workers > 0)];
        if (unused.Length == 0 || !broker.IsReady || (_unused.SequenceEqual(unused) && Stopwatch.GetElapsedTime(_told) < _tellAgain))
        {
            return;
        }

        CancellationMessage message = new() { Runs = [], UnusedSchemas = unused };
        try
        {
            await broker.BroadcastAsync(
                QueueNames.Control, ContractJson.Serialize(message, ContractJson.Default.CancellationMessage), cancellationToken);
            (_unused, _told) = (unused, Stopwatch.GetTimestamp());
        }
        catch (BrokerUnavailableException)
        {
            // It is said once the broker is back.
        }
    }

    private async Task<Dictionary<string, KnownModel>> ReadAsync(CancellationToken cancellationToken)
    {
        Dictionary<string, KnownModel> models = [];
        Dictionary<string, string> schemas = [];
        await using (var command = database.CreateCommand(Sql, Value(dispatch.Value.LeaseDuration)))
        {
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                KnownModel model = new(
                    reader.GetString(0),
                    reader.GetString(1),
                    reader.GetBoolean(2),
                    reader.GetInt32(3),
                    reader.GetInt32(4),
                    reader.GetInt32(5),
                    reader.GetInt64(6))
                {
                    IsUnavailable = reader.GetBoolean(7),
                    Kind = reader.Text(8),
                };
                models[model.Name] = model;
                if (!reader.IsDBNull(9))
                {
                    schemas[model.Name] = reader.GetString(9);
                }
            }
        }

        foreach (var (name, check) in await checks.OfAsync(schemas, cancellationToken))
        {
            models[name] = models[name] with { Check = check };
        }

        KnownModel unserved = new(
            Default, "The default model; no worker has served it yet",
            InputRequired: false, MaxUnknownInput, LargestBatch: 1, Workers: 0, Slots: 0);
        models.TryAdd(Default, unserved);
        return models;
    }
}

/// <summary>A model that workers serve or have served lately.</summary>
/// <param name="Name">The word by which tickets choose it.</param>
/// <param name="Description">What it answers.</param>
/// <param name="InputRequired">Whether it cannot run without input.</param>
/// <param name="MaxInputCharacters">The longest input, in UTF-16 characters; of JSON, those of its text.</param>
/// <param name="LargestBatch">The most tickets that it runs together.</param>
/// <param name="Workers">How many workers serve it now.</param>
/// <param name="Slots">How many tickets they can run at once.</param>
public sealed record KnownModel(
    string Name, string Description, bool InputRequired, int MaxInputCharacters, int LargestBatch, int Workers, long Slots)
{
    /// <summary>Which inputs and responses it has, in a word such as <c>chat</c>; null: nothing is known of that.</summary>
    public string? Kind { get; init; }

    /// <summary>Checks inputs against the JSON Schema of the model; null: it has none.</summary>
    internal InputCheck? Check { get; init; }

    /// <summary>
    /// Whether all workers that serve it hold its runs, since what it asks cannot be reached or takes no more. With one that does not, its
    /// tickets are answered.
    /// </summary>
    public bool IsUnavailable { get; init; }

    /// <summary>What is wrong with <paramref name="input"/>, to follow its name; null if it can be run.</summary>
    public string? Defect(Payload? input)
    {
        if (input is not { Text: { Length: > 0 } text })
        {
            return InputRequired ? $"is required by the model {Name}" : null;
        }

        return text.Length > MaxInputCharacters ? $"must have at most {MaxInputCharacters} characters for the model {Name}" : null;
    }
}
