using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using TicketApp.Messaging.Broker;
using TicketApp.Worker;
using TicketApp.Worker.Models;

namespace TicketApp.Tests.Fixtures;

/// <summary>
/// A worker of a running application inside the test's process, for models that the application does
/// not have. Returns once tickets can choose them.
/// </summary>
internal sealed class TestWorker : IAsyncDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    private readonly IHost _host;

    private TestWorker(IHost host) => _host = host;

    /// <summary>Cancelled when it stops, by itself or not.</summary>
    public CancellationToken Stopping => _host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;

    /// <summary>How often it lost a connection to the broker.</summary>
    public long Reconnections => _host.Services.GetServices<BrokerLoop>().Sum(loop => loop.Restarts);

    public static Task<TestWorker> StartAsync(RunningApp app, IModel model, params IEnumerable<KeyValuePair<string, string?>> settings) =>
        StartAsync(app, model.Name, builder => builder.Services.AddSingleton(model), settings);

    /// <summary>Starts one with the model that <paramref name="add"/> adds.</summary>
    public static async Task<TestWorker> StartAsync(
        RunningApp app, string model, Action<IHostApplicationBuilder> add, params IEnumerable<KeyValuePair<string, string?>> settings)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(
            [new("ConnectionStrings:rabbitmq", app.WorkerBroker.ToString()), new("Worker:DrainTimeout", "00:00:01"), .. settings]);
        builder.AddBroker(HealthStatus.Unhealthy);
        add(builder);
        builder.Services.AddTicketRuns();
        TestWorker worker = new(builder.Build());
        await worker._host.StartAsync(TestContext.Current.CancellationToken);
        // Each replica hears of it in its own time, and a ticket may go to any.
        await Task.WhenAll(app.Replicas.Select(replica => Eventually.IsTrueAsync($"The model {model} served", _limit, async () =>
        {
            // A key does no harm where none is wanted.
            using var response = await KeyedApp.SendAsync(replica, HttpMethod.Get, "/v1/models", KeyedApp.AdminKey);
            var models = await response.Content.ReadFromJsonAsync<JsonObject>(TestContext.Current.CancellationToken);
            return models!["results"]!.AsArray().Any(entry => (string?)entry!["name"] == model);
        })));
        return worker;
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }
}
