using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Npgsql;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Dispatch;

[Collection(AppCollection.Name)]
public sealed class ModelListTests(AppFixture app)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task It_has_what_workers_report_with_how_many_serve_it()
    {
        var model = await Eventually.GetAsync("The simulated model with both workers", _limit, async () =>
        {
            var list = await app.Api.GetFromJsonAsync<JsonObject>("/v1/models", TestContext.Current.CancellationToken);
            return list!["results"]!.AsArray().FirstOrDefault(model =>
                model!["name"]!.GetValue<string>() == "simulated" && model["workers"]!.GetValue<int>() == 2);
        });

        Assert.Equal(200, model["slots"]!.GetValue<int>());
        Assert.True(model["is_default"]!.GetValue<bool>());
        Assert.Equal("""{"required":false,"max_characters":10000}""", model["input"]!.ToJsonString());
    }

    /// <summary>It would refuse all tickets that it is sent.</summary>
    [Fact]
    public async Task A_replica_is_not_healthy_before_it_knows_them()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        await using var holder = await database.Source.OpenConnectionAsync(cancel);
        await using var transaction = await holder.BeginTransactionAsync(cancel);
        await using (NpgsqlCommand hold = new("lock table models in access exclusive mode", holder, transaction))
        {
            await hold.ExecuteNonQueryAsync(cancel);
        }

        NpgsqlConnectionStringBuilder connection = new(app.ApiDatabase) { Database = database.Name };
        var port = AppProcesses.NextPort();
        await using var replica = AppProcesses.Service("api", "TicketApp.Api", port, new Dictionary<string, string>
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["ConnectionStrings__tickets"] = connection.ConnectionString,
            // It needs none for that, and another database's reports are at the application's.
            ["ConnectionStrings__rabbitmq"] = $"amqp://127.0.0.1:{AppProcesses.NextPort()}",
        });
        var started = replica.StartAsync();
        using var client = AppProcesses.Client([port]);
        await Eventually.IsTrueAsync("It says what it waits for", _limit, async () =>
            await AppProcesses.ListensAsync(port)
            && await (await client.GetAsync("/health", cancel)).Content.ReadAsStringAsync(cancel) is var health
            && health.Contains("models: ", StringComparison.Ordinal) && !health.Contains("schema: ", StringComparison.Ordinal));
        Assert.False(started.IsCompleted);

        await transaction.CommitAsync(cancel);
        await started;

        using var models = await client.GetAsync("/v1/models", cancel);
        Assert.Equal(HttpStatusCode.OK, models.StatusCode);
    }
}
