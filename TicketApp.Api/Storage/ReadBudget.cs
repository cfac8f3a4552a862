using Npgsql;

namespace TicketApp.Api.Storage;

/// <summary>
/// What one statement may bring into memory where many ask together. Rows beyond that are postponed, and who wanted them asks again.
/// </summary>
internal sealed class ReadBudget
{
    private const long MaxBytes = 32 * 1024 * 1024;

    private long _bytes;

    public bool IsSpent => _bytes >= MaxBytes;

    /// <summary>Reads the row where <paramref name="reader"/> stands, unless those before it have spent the budget.</summary>
    public Bounded<T> Read<T>(NpgsqlDataReader reader, Func<NpgsqlDataReader, T> read)
        where T : class, ISized
    {
        if (IsSpent)
        {
            return new(null, IsPostponed: true);
        }

        var row = read(reader);
        _bytes += row.Bytes;
        return new(row, IsPostponed: false);
    }
}

/// <summary>A row that takes much memory.</summary>
internal interface ISized
{
    /// <summary>
    /// What it takes in memory while it is read and answered, at most: its texts, and the same again for what comes from the database and
    /// goes to the caller.
    /// </summary>
    long Bytes { get; }
}

/// <summary>A row that was asked for together with others. The default is one that is not there.</summary>
internal readonly record struct Bounded<T>(T? Row, bool IsPostponed)
    where T : class
{
    /// <summary>The row; null without one.</summary>
    /// <exception cref="OverloadedException">It was not read: those before it are too large.</exception>
    public T? Available => IsPostponed ? throw new OverloadedException("Too many large tickets are read at once.") : Row;
}
