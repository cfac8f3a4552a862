using System.Diagnostics;
using System.Net.Http.Json;
using System.Reflection;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using TicketApp.Api.Telemetry;
using TicketApp.ServiceDefaults;
using TicketApp.Tests.Fixtures;
using TicketApp.Worker.Runs;

namespace TicketApp.Tests.ServiceDefaults;

/// <summary>Every background loop of both programs, as they register themselves: a fault is put into each.</summary>
[Collection(AppCollection.Name)]
public sealed class LoopTests(AppFixture app)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_loop_of_the_api_dies_of_a_fault()
    {
        await using var api = await Program.StartAsync(
            typeof(TicketMetrics).Assembly,
            $"--ConnectionStrings:tickets={app.ApiDatabase}",
            $"--ConnectionStrings:rabbitmq={app.ApiBroker}",
            "--urls=http://127.0.0.1:0",
            "--environment=Development");

        await AssertNoneDiesAsync(api, atLeast: 15);

        // And what they do is done.
        var addresses = api.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        using HttpClient client = new() { BaseAddress = new(addresses.Single()) };
        await Eventually.IsTrueAsync("Healthy", _limit, async () => await client.GetStringAsync("/health", Cancel) == "Healthy");
        using var user = await client.PostAsync("/user", null, Cancel);
        var userId = (await user.Content.ReadFromJsonAsync<JsonObject>(Cancel))!["user_id"]!.GetValue<string>();
        using var ticket = await client.PostAsJsonAsync("/v1/tickets?", new JsonObject { ["user_id"] = userId }, Cancel);
        await app.FinishAsync((await ticket.Content.ReadFromJsonAsync<JsonObject>(Cancel))!["id"]!.GetValue<string>());
    }

    [Fact]
    public async Task No_loop_of_the_worker_dies_of_a_fault()
    {
        await using var worker = await Program.StartAsync(
            typeof(RunMetrics).Assembly,
            $"--ConnectionStrings:rabbitmq={app.WorkerBroker}",
            "--urls=http://127.0.0.1:0",
            "--Simulator:MinDuration=00:00:00",
            "--Simulator:MaxDuration=00:00:00.050");

        await AssertNoneDiesAsync(worker, atLeast: 4);
    }

    private static async Task AssertNoneDiesAsync(Program program, int atLeast)
    {
        var progress = program.Services.GetRequiredService<LoopProgress>();
        await Eventually.IsTrueAsync("Everything started", _limit, () =>
            progress.All.All(loop => loop.Rounds > 0 || loop.ExecuteTask is { IsCompleted: false }));
        SupervisedLoop[] loops = [.. progress.All.Where(loop => loop.ExecuteTask is { IsCompleted: false })];
        Assert.InRange(loops.Length, atLeast, 100);
        foreach (var loop in loops)
        {
            var rounds = loop.Rounds;
            loop.Inject(new InvalidOperationException("injected"));
            await Eventually.IsTrueAsync($"A round of {loop.Name}", _limit, () => loop.Rounds > rounds && loop.FailureReason is null);
        }
    }

    /// <summary>A program inside the test's process, as its entry point makes it.</summary>
    private sealed class Program(IHost host, Task ended) : IAsyncDisposable
    {
        private static readonly AsyncLocal<TaskCompletionSource<IHost>?> _wanted = new();

        public IServiceProvider Services => host.Services;

        public static async Task<Program> StartAsync(Assembly program, params string[] arguments)
        {
            TaskCompletionSource<IHost> built = new(TaskCreationOptions.RunContinuationsAsynchronously);
            using var listening = DiagnosticListener.AllListeners.Subscribe(new Listener(built));
            // On a thread of its own, in whose context alone the host is looked for: other tests build hosts too.
            var ended = Task.Run(async () =>
            {
                _wanted.Value = built;
                if (program.EntryPoint!.Invoke(null, [arguments]) is Task task)
                {
                    await task;
                }
            }, Cancel);
            if (await Task.WhenAny(built.Task, ended).WaitAsync(_limit, Cancel) == ended)
            {
                await ended;
            }

            var host = await built.Task;
            TaskCompletionSource started = new(TaskCreationOptions.RunContinuationsAsynchronously);
            host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.Register(started.SetResult);
            if (await Task.WhenAny(started.Task, ended).WaitAsync(_limit, Cancel) == ended)
            {
                await ended;
            }

            return new(host, ended);
        }

        public async ValueTask DisposeAsync()
        {
            host.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
            await ended.WaitAsync(_limit, CancellationToken.None);
        }

        private sealed class Listener(TaskCompletionSource<IHost> built)
            : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>
        {
            public void OnNext(DiagnosticListener value)
            {
                if (value.Name == "Microsoft.Extensions.Hosting")
                {
                    value.Subscribe(this);
                }
            }

            public void OnNext(KeyValuePair<string, object?> value)
            {
                if (value is { Key: "HostBuilt", Value: IHost host } && _wanted.Value == built)
                {
                    built.TrySetResult(host);
                }
            }

            public void OnCompleted()
            {
            }

            public void OnError(Exception error)
            {
            }
        }
    }
}
