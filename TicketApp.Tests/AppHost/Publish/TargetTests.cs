using System.Net.Http.Headers;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>
/// The API and the workers of every target, each started here with exactly what its manifest gives it, under load. Minutes long, so not
/// part of a test run; the nightly workflow starts it.
/// </summary>
public sealed class TargetTests(ITestOutputHelper output)
{
    private const int Callers = 30;
    private const int CallersOfBatches = 4;
    private const int Tickets = 3000;
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(5);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Explicit = true)]
    [InlineData("kubernetes")]
    [InlineData("compose")]
    [InlineData("azure")]
    public async Task Services_live_within_their_limits_under_load(string target) => await RunAsync(
        target switch
        {
            "kubernetes" => Workloads.InCluster(Chart.Deployed),
            "compose" => Workloads.OnOneHost(Path.Combine(Repository.Root, "deploy", "compose")),
            _ => Workloads.OnAzure,
        },
        hasOwner: false,
        async app =>
        {
            RehearsalCallers callers = new();
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            var admin = AuthenticationHeaderValue.Parse(PublishedAppFixture.AdminAuthorization).Parameter!;
            Task[] calls =
            [
                .. Enumerable.Range(0, Callers).Select(_ => callers.CallAsync(app.Address, admin, stop.Token)),
                .. Enumerable.Range(0, CallersOfBatches).Select(_ => callers.CallWithBatchesAsync(app.Address, admin, stop.Token)),
            ];
            await Eventually.IsTrueAsync("Tickets are answered", _limit, () => !callers.Faults.IsEmpty || callers.Answers.Count >= Tickets);
            await stop.CancelAsync();
            await Task.WhenAll(calls);
            output.WriteLine($"{target}: {callers}");
            Assert.Empty(callers.Faults);
            Assert.Equal("ticketapp", await app.OwnerAsync());
        });

    /// <summary>Where the database is a site's own, which may have an owner who is not the role that serves.</summary>
    [Theory(Explicit = true)]
    [InlineData("kubernetes")]
    [InlineData("compose")]
    public async Task The_role_of_migrations_makes_the_schema_and_the_other_serves(string target)
    {
        string[] settings = ["--Deployment:ExternalPostgres=true", "--ConnectionStrings:migrations=a"];
        var manifests = target == "kubernetes"
            ? Workloads.InCluster(await Publication.OfTicketAppAsync(settings))
            : Workloads.OnOneHost(await Publication.OfTicketAppToAsync(target, settings));
        await RunAsync(manifests, hasOwner: true, async app =>
        {
            app.Api.DefaultRequestHeaders.Add("Authorization", PublishedAppFixture.AdminAuthorization);
            var ticket = await app.CreateTicketAsync(await app.CreateUserAsync());
            Assert.EndsWith("message", await app.FinishAsync(ticket), StringComparison.Ordinal);
            Assert.Equal("ticketapp_owner", await app.OwnerAsync());
        });
    }

    private async Task RunAsync(Workloads manifests, bool hasOwner, Func<TargetApp, Task> test)
    {
        TargetApp app = new(manifests, hasOwner);
        await app.InitializeAsync();
        try
        {
            await test(app);
            Assert.False(app.WasKilled, string.Join('\n', app.Usage()));
        }
        finally
        {
            foreach (var line in app.Usage())
            {
                output.WriteLine(line);
            }

            await app.DisposeAsync();
        }
    }
}
