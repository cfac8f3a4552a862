using System.Text.Json;
using Json.Schema;
using Npgsql;
using TicketApp.Api.Http;
using TicketApp.Messaging;

namespace TicketApp.Api.InputSchemas;

/// <summary>
/// Checks inputs against the schema that a model's workers announce. The library applies schemas to values; what each keyword says of a
/// value is in <see cref="Assertions"/>.
/// </summary>
internal sealed class InputCheck
{
    // Inputs nest as deep as bodies.
    private static readonly JsonDocumentOptions _reading = new() { AllowDuplicateProperties = false, MaxDepth = Payload.MaxDepth };

    private readonly JsonSchema _schema;

    /// <exception cref="JsonSchemaException">The library does not take it.</exception>
    public InputCheck(InputSchema schema)
    {
        Schema = schema;
        // A registry of its own, which goes with it and fetches nothing.
        BuildOptions options = new() { Dialect = Assertions.Dialect, SchemaRegistry = new() };
        _schema = JsonSchema.Build(JsonElement.Parse(schema.Checks), options);
    }

    public InputSchema Schema { get; }

    /// <summary>Adds what is wrong with an input, each at its place: <c>input/prompt</c>.</summary>
    /// <param name="input">The input.</param>
    /// <param name="errors">Gets what is wrong.</param>
    /// <param name="batch">What is left for the inputs of a request with many.</param>
    public void Check(Payload input, FieldErrors errors, BatchEffort? batch = null)
    {
        try
        {
            var value = JsonElement.Parse(input.IsJson ? input.Text : $"\"{JsonEncodedText.Encode(input.Text)}\"", _reading);
            // Nearly all inputs are fine, which is known for a tenth of what errors cost.
            if (!_schema.Evaluate(value, new Effort(input, batch) { OutputFormat = OutputFormat.Flag }).IsValid)
            {
                InputErrors.Add(_schema.Evaluate(value, new Effort(input, batch) { OutputFormat = OutputFormat.Hierarchical }), errors);
            }
        }
        catch (JsonException)
        {
            errors.Add(InputErrors.Field, "must not have a name twice in an object");
        }
        catch (InvalidOperationException)
        {
            errors.Add(InputErrors.Field, "must not have an escape that is half a character");
        }
        catch (OperationCanceledException)
        {
            errors.Add(InputErrors.Field, batch is { IsUsedUp: true }
                ? "is one of too many in this request to be checked against the model's schema: submit the rest in another one"
                : "is too large to be checked against the model's schema");
        }
    }
}

/// <summary>What the check of one input may cost, whatever a schema and an input have in common.</summary>
internal sealed class Effort(Payload input, BatchEffort? batch) : EvaluationOptions
{
    // About 50 milliseconds, and enough to look at each number of a long array.
    private long _left = 50_000 + (3L * input.Text.Length);

    /// <exception cref="OperationCanceledException">It is used up: the check ends.</exception>
    public void Spend(long units)
    {
        if (units > _left || batch?.TrySpend(units) == false
            || !System.Runtime.CompilerServices.RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw new OperationCanceledException();
        }

        _left -= units;
    }
}

/// <summary>The checks of all models that declare a schema, each made once.</summary>
internal sealed partial class InputChecks(NpgsqlDataSource database, ILogger<InputChecks> logger)
{
    private const string Sql = "select name, input_schema_id, input_schema from models where name = any($1) and input_schema is not null";

    // They take up to a second each, and the list of models waits.
    private const int MaxAtOnce = 10;

    private Dictionary<string, (string Id, InputCheck? Check, string? Defect)> _known = [];

    /// <summary>The schemas among the present ones that cannot be used.</summary>
    public IReadOnlyList<UnusedSchema> Unused =>
    [
        .. from model in _known
           where model.Value.Defect is not null
           select new UnusedSchema(model.Key, model.Value.Id, model.Value.Defect),
    ];

    /// <summary>
    /// The checks by model. One whose schema cannot be used has none: such a schema comes from a worker that read it less strictly, and
    /// must not keep tickets from the model.
    /// </summary>
    /// <param name="ids">The present ids of schemas by model.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<IEnumerable<(string Model, InputCheck Check)>> OfAsync(
        Dictionary<string, string> ids, CancellationToken cancellationToken)
    {
        var known = _known.Where(model => ids.GetValueOrDefault(model.Key) == model.Value.Id).ToDictionary();
        string[] missing = [.. ids.Keys.Where(name => !known.ContainsKey(name)).Take(MaxAtOnce)];
        if (missing.Length > 0)
        {
            await using var command = database.CreateCommand(Sql);
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = missing });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                var name = reader.GetString(0);
                var (check, defect) = Compile(name, reader.GetString(2));
                known[name] = (reader.GetString(1), check, defect);
            }
        }

        _known = known;
        return known.Where(model => model.Value.Check is not null).Select(model => (model.Key, model.Value.Check!));
    }

    private (InputCheck? Check, string? Defect) Compile(string model, string schema)
    {
        try
        {
            return (new(InputSchema.Parse(schema)), null);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            var defect = schema.Length == 0 ? $"it has more than {InputSchema.MaxBytes} bytes" : exception.Message;
            Log.Unusable(logger, model, defect);
            return (null, defect);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Warning,
            Message = "The schema that a worker announces for the input of the model {Model} is not used, and inputs are not checked: "
                + "{Defect}")]
        public static partial void Unusable(ILogger logger, string model, string defect);
    }
}

/// <summary>What the checks of all inputs of one request may cost together: as much as a hundred that are at their limit.</summary>
internal sealed class BatchEffort
{
    // About a second: what costs 50 units in each of a thousand inputs is a hundredth of it.
    private long _left = 5_000_000;

    public bool IsUsedUp { get; private set; }

    public bool TrySpend(long units)
    {
        IsUsedUp |= units > _left;
        _left -= IsUsedUp ? 0 : units;
        return !IsUsedUp;
    }
}
