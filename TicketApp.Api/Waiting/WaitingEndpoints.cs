using System.Globalization;
using Microsoft.Extensions.Options;
using TicketApp.Api.Auth;
using TicketApp.Api.Completion;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;
using TicketApp.Messaging.Broker;

namespace TicketApp.Api.Waiting;

internal static class WaitingEndpoints
{
    public static IServiceCollection AddWaiting(this IServiceCollection services)
    {
        services.AddOptions<WaitingOptions>().BindConfiguration(WaitingOptions.SectionName).ValidateOnStart();
        return services
            .AddSingleton<IValidateOptions<WaitingOptions>, WaitingOptionsValidator>()
            .AddSingleton<TicketPollStore>()
            .AddSingleton<TicketPoller>()
            .AddSingleton<ITicketObserver>(provider => provider.GetRequiredService<TicketPoller>())
            .AddSingleton<NewsSources>()
            .AddBrokerLoop<TicketNews>()
            .AddSingleton<ITicketObserver>(provider => provider.GetRequiredService<TicketNews>())
            .AddSingleton<ILongPoll, LongPoll>()
            .AddSingleton<ProgressReader>()
            .AddSingleton<TicketEvents>()
            .AddHostedService(provider => provider.GetRequiredService<ProgressReader>())
            .AddHostedService(provider => provider.GetRequiredService<TicketPoller>());
    }

    /// <summary>Maps the events of a ticket.</summary>
    public static RouteGroupBuilder MapWaiting(this RouteGroupBuilder v1)
    {
        v1.MapGet("/tickets/{id}/events", ListenAsync)
            .Produces<string>(StatusCodes.Status200OK, EventStream.ContentType)
            .Produces(StatusCodes.Status204NoContent)
            .Describe(
                "listenToTicket", ApiTags.Tickets, "Listen to a ticket",
                "Server-sent events queued, started, progress and finished; after the last the stream ends. "
                    + "204: the ticket has ended and the listener has heard of it.")
            .WithHeader("Last-Event-ID", "The id of the last event that the listener has.", 64)
            .WithProblems(ProblemType.TicketNotFound);
        return v1;
    }

    private static async Task<IResult> ListenAsync(
        string id, HttpRequest request, HttpResponse response, Caller caller,
        TicketRecordReader tickets, TicketEvents events, CancellationToken cancellationToken)
    {
        if (await tickets.FindAsync(id, caller) is not { } row)
        {
            return TicketProblems.NotFound();
        }

        var seen = TicketEventId.Parse(request.Headers["Last-Event-ID"]);
        if (row.IsFinished && seen.Step >= TicketEventId.Of(row).Step)
        {
            // A browser asks again after every end, and stops when told that there is nothing.
            return TypedResults.NoContent();
        }

        await events.SendAsync(row, seen, caller, new(response), cancellationToken);
        return TypedResults.Empty;
    }
}

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
