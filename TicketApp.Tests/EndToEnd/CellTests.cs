using System.Net;
using System.Text.Json.Nodes;
using Npgsql;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.EndToEnd;

/// <summary>
/// What docs/scaling.md promises of cells: settings alone make them, nothing of one is known in another, and a user can be moved. Not part
/// of a test run, since they need servers of their own twice; the workflow <c>nightly</c> starts them.
/// </summary>
[Collection(CellsCollection.Name)]
public sealed class CellTests(CellsApp app)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    [Fact(Explicit = true)]
    public async Task Nothing_of_one_cell_is_known_in_another()
    {
        var (user, key) = await app.CreateUserWithKeyAsync();
        var tickets = new[] { await SubmitAsync(app.First, user, key), await SubmitAsync(app.First, user, key) };
        await FinishAsync(app.First, tickets[1], key);

        await KeyedApp.AskAsync(app.Second, HttpMethod.Get, $"/v1/tickets/{tickets[0]}", key, HttpStatusCode.Unauthorized);
        await KeyedApp.AskAsync(app.Second, HttpMethod.Get, $"/v1/tickets/{tickets[0]}", KeyedApp.AdminKey, HttpStatusCode.NotFound);
        var list = $"/v1/tickets?user_id={user}&limit=1";
        var page = await KeyedApp.AskAsync(app.First, HttpMethod.Get, list, KeyedApp.AdminKey);
        await KeyedApp.AskAsync(
            app.Second, HttpMethod.Get, $"{list}&cursor={page!["next"]}", KeyedApp.AdminKey, HttpStatusCode.BadRequest);
    }

    [Fact(Explicit = true)]
    public async Task A_user_whose_rows_were_copied_calls_the_other_cell_with_the_same_key()
    {
        var (user, key) = await app.CreateUserWithKeyAsync();
        var before = await SubmitAsync(app.First, user, key);
        await FinishAsync(app.First, before, key);

        foreach (var table in (string[])["users", "api_keys"])
        {
            await CopyAsync(table, user);
        }

        var after = await SubmitAsync(app.Second, user, key);
        await FinishAsync(app.Second, after, key);
        // Tickets stay where they are.
        await KeyedApp.AskAsync(app.Second, HttpMethod.Get, $"/v1/tickets/{before}", key, HttpStatusCode.NotFound);
        await KeyedApp.AskAsync(app.First, HttpMethod.Get, $"/v1/tickets/{after}", key, HttpStatusCode.NotFound);
        await FinishAsync(app.First, before, key);
    }

    private async Task CopyAsync(string table, string user)
    {
        await using var from = NpgsqlDataSource.Create(app.Database);
        await using var to = NpgsqlDataSource.Create(app.SecondDatabase);
        await using var source = await from.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var target = await to.OpenConnectionAsync(TestContext.Current.CancellationToken);
        using var reader = await source.BeginTextExportAsync(
            $"copy (select * from {table} where user_id = '{user}') to stdout", TestContext.Current.CancellationToken);
        await using var writer = await target.BeginTextImportAsync($"copy {table} from stdin", TestContext.Current.CancellationToken);
        await writer.WriteAsync(await reader.ReadToEndAsync(TestContext.Current.CancellationToken));
    }

    private static async Task<string> SubmitAsync(HttpClient cell, string user, string key)
    {
        JsonObject ticket = new() { ["user_id"] = user };
        var created = await KeyedApp.AskAsync(cell, HttpMethod.Post, "/v1/tickets", key, HttpStatusCode.Created, ticket);
        return created!["id"]!.GetValue<string>();
    }

    private static Task FinishAsync(HttpClient cell, string ticket, string key) =>
        Eventually.IsTrueAsync($"Ticket {ticket} succeeded", _limit, async () =>
            (await KeyedApp.AskAsync(cell, HttpMethod.Get, $"/v1/tickets/{ticket}", key))!["status"]!.GetValue<string>() == "succeeded");
}

/// <summary>Two cells: an API and a worker each, on a PostgreSQL and a RabbitMQ of their own. Only connection strings differ.</summary>
public sealed class CellsApp : KeyedApp
{
    private Uri _secondBroker = null!;

    /// <summary>Npgsql connection string of the second cell's database, as its superuser.</summary>
    public string SecondDatabase { get; private set; } = "";

    private protected override Servers CreateServers(string directory)
    {
        var first = base.CreateServers(directory);
        NpgsqlConnectionStringBuilder database = new(first.Database) { Port = AppProcesses.NextPort() };
        SecondDatabase = database.ConnectionString;
        _secondBroker = new UriBuilder(first.Broker) { Port = AppProcesses.NextPort() }.Uri;
        return first with
        {
            Groups =
            [
                .. first.Groups,
                [
                    AppProcesses.Postgres(directory, database, "postgres-2"),
                    AppProcesses.RabbitMq(directory, _secondBroker, "rabbitmq-2"),
                ],
            ],
        };
    }

    private protected override ChildProcess CreateService(
        string service, string name, string project, int port, IReadOnlyDictionary<string, string> environment) =>
        base.CreateService(
            service,
            name,
            project,
            port,
            name.EndsWith("-2", StringComparison.Ordinal) ? EnvironmentOf(service, SecondDatabase, _secondBroker) : environment);
}

[CollectionDefinition(Name)]
public sealed class CellsCollection : ICollectionFixture<CellsApp>
{
    public const string Name = "Two cells";
}
