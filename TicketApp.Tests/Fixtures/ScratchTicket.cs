using Microsoft.Extensions.Options;
using TicketApp.Api.Auth;
using TicketApp.Api.Completion;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Tickets;
using TicketApp.Messaging;

namespace TicketApp.Tests.Fixtures;

/// <summary>One ticket in a scratch database, which the real statements of dispatch, reports and rescue move.</summary>
internal sealed class ScratchTicket : IAsyncDisposable
{
    private static readonly IOptions<DispatchOptions> _dispatch = Options.Create(new DispatchOptions());

    private readonly IOptions<TicketOptions> _tickets;

    private ScratchTicket(ScratchDatabase database, TicketOptions tickets) => (Database, _tickets) = (database, Options.Create(tickets));

    public ScratchDatabase Database { get; }

    public RescueStore Rescue => new(Database.Source, _tickets);

    public DispatchStore Dispatch => new(Database.Source, _dispatch, Options.Create(new LimitOptions()));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>A queued one, with two attempts and pauses of a minute unless the options say otherwise.</summary>
    public static async Task<ScratchTicket> CreateAsync(IDatabaseServer server, TicketOptions? tickets = null)
    {
        var database = await ScratchDatabase.CreateMigratedAsync(server);
        var user = Guid.CreateVersion7();
        await database.ExecuteAsync($"insert into users (user_id) values ('{user}')");
        ScratchTicket ticket = new(database, tickets ?? new() { MaxAttempts = 2, RetryPause = TimeSpan.FromMinutes(1) });
        await using var connection = await database.Source.OpenConnectionAsync(Cancel);
        await new TicketStore(ticket._tickets, _dispatch).CreateAsync(connection, [new(Guid.CreateVersion7(), user)], dispatch: 0);
        return ticket;
    }

    public static WorkerReport Report(TicketMessage ticket, ReportType type) =>
        new() { Type = type, Worker = "w", TicketId = ticket.TicketId, UserId = ticket.UserId, Epoch = ticket.Epoch };

    public static WorkerReport Heartbeat(TicketMessage ticket) =>
        new() { Type = ReportType.Heartbeat, Worker = "w", Runs = [new(ticket.TicketId, ticket.Epoch)] };

    public async Task<TicketMessage> DispatchAsync() => Assert.Single(await Dispatch.DispatchAsync(ModelNames.Simulated, 10, Cancel));

    /// <summary>Dispatches it, and a worker says that it has run for as long.</summary>
    public async Task<TicketMessage> StartAsync(int milliseconds = 0)
    {
        var ticket = await DispatchAsync();
        await ApplyAsync(Report(ticket, ReportType.Started) with { RunMilliseconds = milliseconds });
        return ticket;
    }

    public Task<ReportOutcome> ApplyAsync(params WorkerReport[] reports) =>
        new ReportStore(Database.Source, _dispatch, _tickets).ApplyAsync(reports, Cancel);

    /// <summary>Makes changes to its row, such as <c>due_at = now()</c>.</summary>
    public Task SetAsync(string assignments) => Database.ExecuteAsync($"update tickets set {assignments}");

    public Task<IReadOnlyList<RescueOutcome>> EndDueAsync() => Rescue.EndDueAsync(100, [], Cancel);

    public Task<IReadOnlyList<RescueOutcome>> RescueExpiredAsync() => Rescue.RescueExpiredAsync(100, [], Cancel);

    /// <summary>Columns of its row, as text.</summary>
    public Task<string> ColumnsAsync(string columns) =>
        Database.ValueAsync<string>($"select concat_ws(' ', {columns}) from tickets");

    /// <summary>Whether a condition holds for its row.</summary>
    public Task<bool> IsAsync(string condition) => Database.ValueAsync<bool>($"select ({condition}) is true from tickets");

    public ValueTask DisposeAsync() => Database.DisposeAsync();
}
