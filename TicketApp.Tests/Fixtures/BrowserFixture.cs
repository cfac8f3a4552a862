using Microsoft.Playwright;
using TicketApp.Tests.Fixtures;

[assembly: AssemblyFixture(typeof(BrowserFixture))]

namespace TicketApp.Tests.Fixtures;

/// <summary>Headless Chromium of this system, one for all tests, started by the first that opens a page.</summary>
public sealed class BrowserFixture : IAsyncDisposable
{
    private static readonly string[] _names = ["chromium", "chromium-browser", "google-chrome"];

    private readonly SemaphoreSlim _starting = new(1, 1);
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    /// <summary>Its program; null where it is not installed.</summary>
    internal static string? Executable { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .SelectMany(directory => _names, Path.Combine)
        .FirstOrDefault(File.Exists);

    /// <summary>A page with cookies and storage of its own; close its context with <c>await using</c>.</summary>
    /// <param name="baseUrl">What relative addresses are relative to.</param>
    /// <param name="options">Viewport, colour scheme and so on. Default: a light desktop of 1280 by 800.</param>
    public async Task<IPage> OpenPageAsync(Uri baseUrl, BrowserNewContextOptions? options = null)
    {
        options = new BrowserNewContextOptions(options ?? new BrowserNewContextOptions())
        {
            BaseURL = baseUrl.ToString(),
            ReducedMotion = ReducedMotion.Reduce,
        };
        options.ViewportSize ??= new ViewportSize { Width = 1280, Height = 800 };
        var browser = await StartAsync();
        var context = await browser.NewContextAsync(options);
        return await context.NewPageAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
        _starting.Dispose();
    }

    private async Task<IBrowser> StartAsync()
    {
        if (Executable is null)
        {
            AppAvailability.Refuse("Chromium is not installed: ./ticketapp setup");
        }

        await _starting.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            _playwright ??= await Playwright.CreateAsync();
            // Chromium refuses its sandbox to root, which a test machine often is; the pages are the tests' own.
            BrowserTypeLaunchOptions options = new() { ExecutablePath = Executable, ChromiumSandbox = false };
            return _browser ??= await _playwright.Chromium.LaunchAsync(options);
        }
        finally
        {
            _starting.Release();
        }
    }
}
