using Npgsql;
using TicketApp.Messaging;

namespace TicketApp.Api.InputSchemas;

/// <summary>The checks of all models that declare a schema, each made once.</summary>
internal sealed partial class InputChecks(NpgsqlDataSource database, ILogger<InputChecks> logger)
{
    private const string Sql = "select name, input_schema_id, input_schema from models where name = any($1) and input_schema is not null";

    // They take up to a second each, and the list of models waits.
    private const int MaxAtOnce = 10;

    private Dictionary<string, (string Id, InputCheck? Check)> _known = [];

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
                known[name] = (reader.GetString(1), Compile(name, reader.GetString(2)));
            }
        }

        _known = known;
        return known.Where(model => model.Value.Check is not null).Select(model => (model.Key, model.Value.Check!));
    }

    private InputCheck? Compile(string model, string schema)
    {
        try
        {
            return new(InputSchema.Parse(schema));
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            Log.Unusable(logger, model, schema.Length == 0 ? $"it has more than {InputSchema.MaxBytes} bytes" : exception.Message);
            return null;
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
