using System.CommandLine;
using TicketApp.Simulation;

Option<string> database = new("--database")
{
    Description = "Connection string of a running PostgreSQL (a user that may create databases)",
    DefaultValueFactory = _ => "Host=127.0.0.1;Username=postgres",
};
Option<int> tickets = new("--tickets") { Description = "Tickets that wait at the start", DefaultValueFactory = _ => 10_000_000 };
Option<int> users = new("--users") { Description = "Users they belong to; half of them belong to one", DefaultValueFactory = _ => 10_000 };
Option<int> workers = new("--workers") { Description = "Workers", DefaultValueFactory = _ => 1000 };
Option<int> slots = new("--slots") { Description = "Slots of each", DefaultValueFactory = _ => 100 };
Option<int> seconds = new("--seconds") { Description = "How long to run", DefaultValueFactory = _ => 30 };

RootCommand root = new(
    "Runs the Api's own dispatch, report and rescue statements against a large backlog, with workers that are only counted.")
{
    database, tickets, users, workers, slots, seconds,
};
root.SetAction(async (parsed, cancellationToken) =>
{
    SimulationSize size = new(
        parsed.GetValue(tickets),
        parsed.GetValue(users),
        parsed.GetValue(workers),
        parsed.GetValue(slots),
        TimeSpan.FromSeconds(parsed.GetValue(seconds)));
    await using var backlog = await SimulatedBacklog.CreateAsync(parsed.GetValue(database)!, size, cancellationToken);
    await new DispatchSimulation(backlog.Source, size).RunAsync(cancellationToken);
});
return await root.Parse(args).InvokeAsync();
