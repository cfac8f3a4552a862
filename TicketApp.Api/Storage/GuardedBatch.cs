using Npgsql;

namespace TicketApp.Api.Storage;

/// <summary>
/// Bounds what one row can do to a statement that serves many: it is given fewer rows with each failure, and a row that fails alone, though
/// the statement itself is accepted, is left out for ten minutes. The others are served. Where the error is not one of data, which a server
/// that is stopped or interrupted has too, the same row must fail alone for a while before it is to blame.
/// </summary>
/// <param name="operation">What the statement does, as the log says it.</param>
/// <param name="maxRows">The most rows it is given.</param>
/// <param name="logger">Where a row that is left out shows.</param>
internal sealed partial class GuardedBatch(string operation, int maxRows, ILogger logger)
{
    private const long LeftOutMilliseconds = 600_000;

    private const int FailuresToBlame = 3;
    private const long SuspectedMilliseconds = 5_000;

    private readonly Dictionary<Guid, long> _leftOut = [];
    private (Guid Id, int Failures, long Since) _suspect;
    private int _limit = int.MaxValue;

    /// <summary>Runs the statement until it succeeds, or the database is at fault.</summary>
    /// <param name="wanted">The most rows that are wanted now.</param>
    /// <param name="statement">
    /// Serves at most as many rows as it is told, without those it is given. With zero rows it only says whether it is accepted.
    /// </param>
    /// <param name="findFirst">The row that the statement would take first, without those it is given.</param>
    /// <returns>What the statement said, and how many rows it might have served.</returns>
    public async Task<(T Result, int Limit)> RunAsync<T>(
        int wanted, Func<int, Guid[], Task<T>> statement, Func<Guid[], Task<Guid?>> findFirst)
    {
        while (true)
        {
            var limit = Math.Min(Math.Min(_limit, maxRows), wanted);
            var leftOut = LeftOut();
            try
            {
                var result = await statement(limit, leftOut);
                _limit = Math.Min(maxRows, Math.Min(_limit, maxRows) * 2);
                _suspect = default;
                return (result, limit);
            }
            catch (NpgsqlException exception)
            {
                _limit = Math.Max(1, limit / 2);
                if (limit > 1)
                {
                    if (DatabaseErrors.IsDatas(exception))
                    {
                        continue;
                    }

                    // Fewer next time: it may have taken too long.
                    throw;
                }

                // If the statement is not accepted at all, no row is to blame: this throws.
                await statement(0, leftOut);
                if (await findFirst(leftOut) is not { } culprit)
                {
                    throw;
                }

                if (!DatabaseErrors.IsDatas(exception) && !IsSuspectedForLong(culprit))
                {
                    throw;
                }

                _suspect = default;
                _leftOut[culprit] = Environment.TickCount64 + LeftOutMilliseconds;
                _limit = maxRows;
                Log.LeftOut(logger, exception, operation, culprit, LeftOutMilliseconds / 60_000);
            }
        }
    }

    private bool IsSuspectedForLong(Guid row)
    {
        _suspect = _suspect.Id == row ? _suspect with { Failures = _suspect.Failures + 1 } : (row, 1, Environment.TickCount64);
        return _suspect.Failures >= FailuresToBlame && Environment.TickCount64 - _suspect.Since >= SuspectedMilliseconds;
    }

    private Guid[] LeftOut()
    {
        foreach (var (id, until) in _leftOut)
        {
            if (until < Environment.TickCount64)
            {
                _leftOut.Remove(id);
            }
        }

        return [.. _leftOut.Keys];
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Error,
            Message = "Cannot {Operation} for {Id}: it is left out for {Minutes} minutes, the others are served")]
        public static partial void LeftOut(ILogger logger, Exception exception, string operation, Guid id, long minutes);
    }
}
