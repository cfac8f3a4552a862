using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>Publishing: within the tests' process, or by the AppHost in one of its own, as <c>./ticketapp publish</c> does it.</summary>
internal static class Publication
{
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(1);
    private static readonly Lazy<DirectoryInfo> _folders = new(CreateFolders);
    private static readonly ConcurrentDictionary<string, Task<Chart>> _charts = [];

    /// <summary>The text of a file under deploy/.</summary>
    public static Task<string> ReadAsync(params string[] path) =>
        File.ReadAllTextAsync(Path.Combine([Repository.Root, "deploy", .. path]), TestContext.Current.CancellationToken);

    /// <summary>The chart, which is published once for each choice of settings.</summary>
    public static Task<Chart> OfTicketAppAsync(params string[] settings) => _charts.GetOrAdd(
        string.Join('\n', settings), async _ => new Chart(await OfTicketAppToAsync("kubernetes", settings)));

    /// <returns>The folder that was written.</returns>
    public static async Task<string> OfTicketAppToAsync(string target, params string[] settings)
    {
        var folder = NewFolder();
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.TicketApp_AppHost>(
            [.. Arguments(folder), $"--Deployment:Target={target}", .. settings],
            TestContext.Current.CancellationToken);
        await using var app = await builder.BuildAsync(TestContext.Current.CancellationToken);
        await RunAsync(app);
        return folder;
    }

    public static async Task<Chart> OfAsync(Action<IDistributedApplicationBuilder> model)
    {
        var folder = NewFolder();
        await PublishAsync(model, folder);
        return new Chart(folder);
    }

    /// <exception cref="DistributedApplicationException">A step failed.</exception>
    public static async Task PublishAsync(Action<IDistributedApplicationBuilder> model, string folder)
    {
        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions
        {
            Args = Arguments(folder),
            AssemblyName = typeof(Projects.TicketApp_AppHost).Assembly.GetName().Name,
            DisableDashboard = true,
        });
        // A failure is an exception here.
        builder.Services.AddLogging(logging => logging.ClearProviders());
        model(builder);
        await using var app = builder.Build();
        await RunAsync(app);
    }

    /// <summary>Publishes in a process of its own, on the frameworks and packages of the tests.</summary>
    public static Task<(int ExitCode, string Output, string Error)> RunAppHostAsync(string folder, params string[] settings)
    {
        var tests = Path.ChangeExtension(typeof(Publication).Assembly.Location, null);
        return RunAsync(
            "dotnet",
            [
                "exec", "--runtimeconfig", $"{tests}.runtimeconfig.json", "--depsfile", $"{tests}.deps.json",
                Path.Combine(AppContext.BaseDirectory, "TicketApp.AppHost.dll"), .. Arguments(folder), .. settings,
            ]);
    }

    /// <returns>The exit code, -1 where there is no such program, and what it wrote.</returns>
    public static async Task<(int ExitCode, string Output, string Error)> RunAsync(
        string program, IEnumerable<string> arguments, string input = "", TimeSpan? limit = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // No cluster and no servers, whatever is set where the tests run.
        start.Environment["KUBECONFIG"] = "/dev/null";
        start.Environment.Remove("ConnectionStrings__tickets");
        start.Environment.Remove("ConnectionStrings__rabbitmq");
        try
        {
            using var process = Process.Start(start)!;
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(limit ?? _limit);
            return (process.ExitCode, await output, await error);
        }
        catch (Win32Exception)
        {
            return (-1, "", "");
        }
    }

    public static string NewFolder() => _folders.Value.CreateSubdirectory(Guid.NewGuid().ToString("N")).FullName;

    /// <summary>The same files, and in them the same text.</summary>
    public static void AssertSame(string expected, string actual)
    {
        Assert.Equal(Files(expected), Files(actual));
        Assert.All(Files(expected), file =>
            Assert.Equal(File.ReadAllText(Path.Combine(expected, file)), File.ReadAllText(Path.Combine(actual, file))));
    }

    private static IEnumerable<string> Files(string folder) =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(folder, file))
            .Order(StringComparer.Ordinal);

    /// <summary>Nothing is read from the user's profile, and nothing written to it.</summary>
    private static string[] Arguments(string folder) =>
        ["--operation", "publish", "--step", "publish", "--output-path", folder, "--clear-cache", "true"];

    /// <summary>Gone with the process.</summary>
    private static DirectoryInfo CreateFolders()
    {
        var folders = Directory.CreateTempSubdirectory("ticketapp-publish-");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => folders.Delete(recursive: true);
        return folders;
    }

    private static async Task RunAsync(DistributedApplication app)
    {
        // Publishing is a hosted service that stops the host when it is done. The AppHost's own thread may dispose the provider then.
        var services = app.Services.GetServices<IHostedService>().OfType<BackgroundService>().ToArray();
        var stopping = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var lifetime = app.Services.GetRequiredService<IHostApplicationLifetime>();
        await using var registration = lifetime.ApplicationStopping.Register(stopping.SetResult);
        await app.StartAsync(TestContext.Current.CancellationToken);
        await stopping.Task.WaitAsync(_limit, TestContext.Current.CancellationToken);
        await app.StopAsync(TestContext.Current.CancellationToken);
        await Task.WhenAll(services.Select(service => service.ExecuteTask).OfType<Task>().Where(task => task.IsFaulted));
    }
}
