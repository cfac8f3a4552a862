using Microsoft.Kiota.Abstractions.Authentication;
using Microsoft.Kiota.Abstractions.Serialization;
using Microsoft.Kiota.Http.HttpClientLibrary;
using TicketApp.Client;
using TicketApp.Client.Models;

// The generated client is compiled ahead as well: it reads and writes JSON without reflection.
using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(100) };
using var adapter = new HttpClientRequestAdapter(new AnonymousAuthenticationProvider(), httpClient: http)
{
    BaseUrl = args is [var address, ..] ? address : "http://localhost:5380",
};
var api = new TicketAppClient(adapter);

var user = (await api.V1.Users.PostAsync(request => request.Headers.Add("Idempotency-Key", Guid.NewGuid().ToString())))!;
var userId = user.Id!.Value;
if (user.ApiKey is { } key)
{
    http.DefaultRequestHeaders.Authorization = new("Bearer", key);
}

// Submits a ticket and waits for it.
var ticket = (await api.V1.Tickets.PostAsync(
    new()
    {
        UserId = userId, Priority = CreateTicket_priority.High, Policy = new() { DeadlineS = 120 },
    },
    request =>
    {
        request.Headers.Add("Idempotency-Key", Guid.NewGuid().ToString());
        request.Headers.Add("Prefer", "respond-async, wait=30");
    }))!;
ticket = await FinishAsync(ticket);
Console.WriteLine($"{ticket.Status} {(ticket.Response as UntypedString)?.GetValue()}");

// Submits several at once; each is taken or refused by itself.
var batch = (await api.V1.Tickets.Batch.PostAsync(new()
{
    Tickets =
    [
        new() { UserId = userId },
        new() { UserId = userId, Priority = CreateTicket_priority.Low },
        new() { UserId = userId, Model = "unknown" },
    ],
}))!;
var taken = batch.Results!.Select(result => result.Ticket?.Priority?.ToString() ?? result.Problem?.Title);
Console.WriteLine($"batch {string.Join(", ", taken)}");

// Cancels one, and runs it again.
var slow = (await api.V1.Tickets.PostAsync(new() { UserId = userId, Input = new UntypedString("""{"seconds":60}""") }))!;
var one = api.V1.Tickets[slow.Id!.Value];
var stopped = await FinishAsync((await one.Cancel.PostAsync())!);
var again = (await one.Retry.PostAsync(request => request.Headers.Add("Idempotency-Key", "once")))!;
Console.WriteLine($"retry {stopped.Status} {again.Status} {again.MaxAttempts > again.Attempt}");
await one.Cancel.PostAsync();

// All tickets of the user, page by page.
var count = 0;
string? cursor = null;
do
{
    var page = (await api.V1.Tickets.GetAsync(request =>
    {
        request.QueryParameters.UserId = userId;
        request.QueryParameters.Limit = 2;
        request.QueryParameters.Cursor = cursor;
    }))!;
    count += page.Results!.Count;
    cursor = page.Next;
}
while (cursor is not null);

Console.WriteLine($"tickets {count}");
var statistics = (await api.V1.Stats.GetAsync())!;
Console.WriteLine($"open {statistics.Open >= 0}");
try
{
    await api.V1.Tickets[userId].GetAsync();
}
catch (Problem problem)
{
    Console.WriteLine($"problem {problem.Type}");
}

async Task<Ticket> FinishAsync(Ticket waiting)
{
    while (waiting.FinishedAt is null)
    {
        waiting = (await api.V1.Tickets[waiting.Id!.Value].GetAsync(request => request.Headers.Add("Prefer", "wait=30")))!;
    }

    return waiting;
}
