using System.Diagnostics;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Storage;

/// <summary>
/// Removes what is kept no longer. A bounded part each round, and a rest after it, so that it never takes more than a small part of the
/// database, and a round is short however much there is to remove. How much there is to a row is not known before: the part shrinks when it
/// fails, as when its statement takes too long, or is slow, and grows again while it is quick. Every replica does.
/// </summary>
/// <param name="name">What it does, as logs and health say it.</param>
/// <param name="interval">How long to rest when nothing is left; infinite: nothing is ever removed.</param>
/// <param name="migrator">Says when the schema is there.</param>
/// <param name="progress">Where its rounds are marked.</param>
/// <param name="logger">The subclass's own.</param>
internal abstract class PurgeLoop(string name, TimeSpan interval, DatabaseMigrator migrator, LoopProgress progress, ILogger logger)
    : DatabaseLoop(name, migrator, progress, logger)
{
    /// <summary>The most rows that a part has.</summary>
    public const int MaxPart = 1000;

    // Of the time that a part took: a fifth of one connection at most.
    private const int RestFactor = 4;

    private static readonly TimeSpan _quick = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _slow = TimeSpan.FromSeconds(3);

    private int _part = MaxPart;
    private TimeSpan _rest;

    protected sealed override TimeSpan PollInterval => _rest;

    /// <summary>Removes up to <paramref name="part"/> rows. Whether there may be more.</summary>
    protected abstract Task<bool> PurgeAsync(int part, CancellationToken stoppingToken);

    protected sealed override async Task WorkAsync(CancellationToken stoppingToken)
    {
        if (interval == Timeout.InfiniteTimeSpan)
        {
            _rest = interval;
            return;
        }

        var started = Stopwatch.GetTimestamp();
        try
        {
            var more = await PurgeAsync(_part, stoppingToken);
            var took = Stopwatch.GetElapsedTime(started);
            _part = took > _slow ? Math.Max(1, _part / 2) : took < _quick ? Math.Min(MaxPart, _part + (_part / 4) + 1) : _part;
            _rest = more ? RestFactor * took : interval;
        }
        catch
        {
            _part = Math.Max(1, _part / 4);
            throw;
        }
    }
}
