using System.Diagnostics;
using System.Globalization;
using TicketApp.Api.Auth;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;

namespace TicketApp.Api.Waiting;

/// <summary>Grants <see cref="WaitPreference"/>.</summary>
internal sealed class TicketWaiter(TicketWatch watch, KeyReader keys) : ITicketWaiter
{
    public async Task<TicketRecord?> WaitAsync(HttpContext context, TicketRecord ticket, CancellationToken cancellationToken)
    {
        if (WaitPreference.Read(context.Request.Headers[WaitPreference.Header]) is not { } seconds)
        {
            return ticket;
        }

        using var watcher = watch.Watch(ticket);
        context.Response.Headers.AppendCommaSeparatedValues(
            WaitPreference.AppliedHeader, string.Create(CultureInfo.InvariantCulture, $"wait={seconds}"));
        await watcher.WaitForEndAsync(TimeSpan.FromSeconds(seconds), cancellationToken);
        return await keys.IsGoodAsync(Caller.Of(context)) ? watcher.Latest : null;
    }
}

/// <summary>One request that follows a ticket. Disposing of it ends that, whatever the request ended by.</summary>
/// <param name="seen">The ticket as the request knows it.</param>
/// <param name="leave">Called once at the end.</param>
internal sealed class TicketWatcher(TicketRecord seen, Action<TicketWatcher> leave) : IDisposable
{
    private readonly Signal _news = new();
    private volatile TicketRecord? _latest = seen;
    private volatile bool _isStopped;

    // A run may have got somewhere before it was followed.
    private bool _hasProgress = true;

    public Guid TicketId { get; } = seen.TicketId;

    public Guid UserId { get; } = seen.UserId;

    /// <summary>The ticket as far as it is known; null once it is gone.</summary>
    public TicketRecord? Latest => _latest;

    /// <summary>Whether nothing more will be told: this process stops.</summary>
    public bool IsStopped => _isStopped;

    /// <summary>Returns when there are news, or after <paramref name="limit"/>.</summary>
    public Task WaitAsync(TimeSpan limit, CancellationToken cancellationToken) => _news.WaitAsync(limit, cancellationToken);

    /// <summary>Returns when the ticket has ended or is gone, or after <paramref name="limit"/>.</summary>
    public async Task WaitForEndAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        while (Latest is { IsFinished: false }
            && !IsStopped
            && limit - Stopwatch.GetElapsedTime(started) is var left
            && left > TimeSpan.Zero)
        {
            await WaitAsync(left, cancellationToken);
        }
    }

    public void Tell(TicketRecord? row)
    {
        _latest = row;
        _news.Set();
    }

    public void TellProgress()
    {
        _hasProgress = true;
        _news.Set();
    }

    /// <summary>Whether the ticket's run has got further since this was last asked.</summary>
    public bool TakeProgress() => Interlocked.Exchange(ref _hasProgress, false);

    public void Stop()
    {
        _isStopped = true;
        _news.Set();
    }

    public void Dispose()
    {
        leave(this);
        _news.Dispose();
    }
}
