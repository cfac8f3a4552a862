using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using TicketApp.Api.Storage;

namespace TicketApp.Tests.Storage.Unit;

/// <summary>Which row a statement that fails is blamed on, and when the server is to blame instead.</summary>
public sealed class GuardedBatchTests
{
    private static readonly Guid[] _rows = [.. Enumerable.Range(0, 5).Select(_ => Guid.CreateVersion7())];

    private readonly GuardedBatch _batch = new("serve rows", maxRows: 4, NullLogger.Instance);

    [Fact]
    public async Task A_row_whose_data_is_at_fault_is_left_out_and_the_others_are_served()
    {
        List<Guid> served = [];
        for (var i = 0; i < _rows.Length; i++)
        {
            served.AddRange((await RunAsync(wanted: 4, failsFor: _rows[2], PostgresErrorCodes.DatetimeFieldOverflow, served)).Result);
        }

        Assert.Equal(_rows.Where(row => row != _rows[2]), served);
    }

    [Theory]
    [InlineData(PostgresErrorCodes.AdminShutdown)]
    [InlineData(PostgresErrorCodes.QueryCanceled)]
    [InlineData(PostgresErrorCodes.ProtocolViolation)]
    public async Task A_row_that_fails_once_by_itself_is_not_blamed_for_what_the_server_does(string sqlState)
    {
        for (var i = 0; i < 3; i++)
        {
            await Assert.ThrowsAsync<PostgresException>(() => RunAsync(wanted: 1, failsFor: _rows[0], sqlState, served: []));
        }

        var (served, _) = await RunAsync(wanted: 1, failsFor: null, sqlState, served: []);
        Assert.Equal(_rows[0], Assert.Single(served));
    }

    private Task<(Guid[] Result, int Limit)> RunAsync(
        int wanted, Guid? failsFor, string sqlState, IReadOnlyCollection<Guid> served) => _batch.RunAsync(
        wanted,
        (limit, leftOut) =>
        {
            Guid[] taken = [.. _rows.Except(leftOut).Except(served).Take(limit)];
            return failsFor is { } culprit && taken.Contains(culprit)
                ? throw new PostgresException("no", "ERROR", "ERROR", sqlState)
                : Task.FromResult(taken);
        },
        leftOut => Task.FromResult<Guid?>(_rows.Except(leftOut).Except(served).First()));
}
