using System.Globalization;
using TicketApp.Api.Auth;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;

namespace TicketApp.Api.Waiting;

/// <summary>Grants <see cref="WaitPreference"/>.</summary>
internal sealed class LongPoll(TicketPoller poller, KeyReader keys) : ILongPoll
{
    public async Task<TicketRecord?> WaitAsync(HttpContext context, TicketRecord ticket, CancellationToken cancellationToken) =>
        WaitPreference.Read(context.Request.Headers[WaitPreference.Header]) is { } seconds
            ? await WaitAsync(context, ticket, seconds, cancellationToken)
            : ticket;

    public async Task<TicketRecord?> WaitAsync(
        HttpContext context, TicketRecord ticket, int seconds, CancellationToken cancellationToken)
    {
        using var subscription = poller.Subscribe(ticket);
        await subscription.WaitForEndAsync(TimeSpan.FromSeconds(seconds), cancellationToken);
        if (subscription.Latest is not { } latest || !await keys.IsGoodAsync(Caller.Of(context)))
        {
            return null;
        }

        context.Response.Headers.AppendCommaSeparatedValues(
            WaitPreference.AppliedHeader, string.Create(CultureInfo.InvariantCulture, $"wait={seconds}"));
        return latest;
    }
}
