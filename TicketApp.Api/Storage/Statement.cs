using Npgsql;

namespace TicketApp.Api.Storage;

/// <summary>What all statements have in common: their values, in the order of $1, $2 and so on, and columns that may be null.</summary>
internal static class Statement
{
    /// <summary>A value of a statement. It goes to the database without being boxed.</summary>
    public static NpgsqlParameter<T> Value<T>(T value) => new() { TypedValue = value };

    /// <summary>A value that is an array: one column of many rows.</summary>
    public static NpgsqlParameter<T[]> Column<TRow, T>(IReadOnlyCollection<TRow> rows, Func<TRow, T> value) =>
        new() { TypedValue = [.. rows.Select(value)] };

    /// <summary>A statement with its values, over any connection.</summary>
    public static NpgsqlCommand CreateCommand(
        this NpgsqlDataSource database, string sql, params ReadOnlySpan<NpgsqlParameter> values)
    {
        var command = database.CreateCommand(sql);
        Add(command.Parameters, values);
        return command;
    }

    /// <summary>A statement with its values, over this connection.</summary>
    public static NpgsqlCommand CreateCommand(this NpgsqlConnection connection, string sql, params ReadOnlySpan<NpgsqlParameter> values)
    {
        NpgsqlCommand command = new(sql, connection);
        Add(command.Parameters, values);
        return command;
    }

    /// <summary>Adds a statement with its values to those of one round trip.</summary>
    public static void Add(this NpgsqlBatch batch, string sql, params ReadOnlySpan<NpgsqlParameter> values)
    {
        NpgsqlBatchCommand command = new(sql);
        Add(command.Parameters, values);
        batch.BatchCommands.Add(command);
    }

    /// <summary>A text that may be null.</summary>
    public static string? Text(this NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    /// <summary>A time that may be null.</summary>
    public static DateTime? Time(this NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetDateTime(column);

    private static void Add(NpgsqlParameterCollection parameters, ReadOnlySpan<NpgsqlParameter> values)
    {
        foreach (var value in values)
        {
            parameters.Add(value);
        }
    }
}
