using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>Publishing within the tests' process, as <c>./ticketapp publish</c> does it in one of its own.</summary>
internal static class Publication
{
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(1);
    private static readonly Lazy<DirectoryInfo> _folders = new(CreateFolders);

    public static async Task<Chart> OfTicketAppAsync(params string[] settings) => new(await OfTicketAppToAsync("kubernetes", settings));

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
        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions
        {
            Args = Arguments(folder),
            AssemblyName = typeof(Projects.TicketApp_AppHost).Assembly.GetName().Name,
            DisableDashboard = true,
        });
        model(builder);
        await using var app = builder.Build();
        await RunAsync(app);
        return new Chart(folder);
    }

    /// <summary>Nothing is read from the user's profile, and nothing written to it.</summary>
    private static string[] Arguments(string folder) =>
        ["--operation", "publish", "--step", "publish", "--output-path", folder, "--clear-cache", "true"];

    private static string NewFolder() => _folders.Value.CreateSubdirectory(Guid.NewGuid().ToString("N")).FullName;

    /// <summary>Gone with the process.</summary>
    private static DirectoryInfo CreateFolders()
    {
        var folders = Directory.CreateTempSubdirectory("ticketapp-publish-");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => folders.Delete(recursive: true);
        return folders;
    }

    private static async Task RunAsync(DistributedApplication app)
    {
        // Publishing is a hosted service that stops the host when it is done.
        var stopping = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = app.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.Register(stopping.SetResult);
        await app.StartAsync(TestContext.Current.CancellationToken);
        await stopping.Task.WaitAsync(_limit, TestContext.Current.CancellationToken);
        await app.StopAsync(TestContext.Current.CancellationToken);
    }
}
