using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using TicketApp.Bench.Servers;

namespace TicketApp.Bench.Processes;

/// <summary>Starts the service of <c>bench/BullMqBaseline</c> in its two roles, with a Redis of its own that ends with it.</summary>
/// <param name="options">Where the repository is.</param>
internal sealed class BullMqStarter(BenchOptions options) : ISystemStarter
{
    public const string Key = "bullmq";

    public const string SystemName = "BullMQ";

    private readonly string _folder = Path.Combine(options.RepositoryRoot, "bench", "BullMqBaseline");

    public string Name => SystemName;

    public async Task<SystemUnderTest> StartAsync(IReadOnlyDictionary<string, string> settings, CancellationToken cancellationToken)
    {
        await InstallPackagesAsync(cancellationToken);
        var redis = await RedisServer.StartAsync(cancellationToken);
        List<ChildProcess> roles = [];
        try
        {
            var address = await StartAsync("api");
            await StartAsync("worker");
            return new(Name, [address], database: null, [roles[0]], roles[1]) { Redis = redis };
        }
        catch
        {
            foreach (var role in roles)
            {
                await role.DisposeAsync();
            }

            await redis.DisposeAsync();
            throw;
        }

        async Task<Uri> StartAsync(string role)
        {
            Uri address = new($"http://127.0.0.1:{LoopbackPort.Free()}");
            Dictionary<string, string> environment = new(settings)
            {
                ["NODE_ENV"] = "production",
                ["PORT"] = address.Port.ToString(CultureInfo.InvariantCulture),
                ["REDIS_PORT"] = redis.Port.ToString(CultureInfo.InvariantCulture),
            };
            roles.Add(ChildProcess.Start($"{Key}-{role}", "node", [Path.Combine(_folder, "service.js"), role], environment));
            await HealthGate.WaitAsync(roles[^1], new Uri(address, "/health"), cancellationToken);
            return address;
        }
    }

    /// <summary>Installs what <c>package-lock.json</c> names, unless that is what is there.</summary>
    private async Task InstallPackagesAsync(CancellationToken cancellationToken)
    {
        // npm writes this file when all packages are there.
        FileInfo installed = new(Path.Combine(_folder, "node_modules", ".package-lock.json"));
        if (installed.Exists && installed.LastWriteTimeUtc >= File.GetLastWriteTimeUtc(Path.Combine(_folder, "package-lock.json")))
        {
            return;
        }

        BenchSession.Say("installing the packages of bench/BullMqBaseline");
        if (!await TryInstallAsync(cancellationToken))
        {
            throw new InvalidOperationException(
                "BullMQ needs Node.js 20 or later, npm and its registry: \"npm ci\" in bench/BullMqBaseline has to work.");
        }
    }

    private async Task<bool> TryInstallAsync(CancellationToken cancellationToken)
    {
        // Native parts come prebuilt, so that no package has to run a script.
        ProcessStartInfo start = new("npm", ["ci", "--silent", "--ignore-scripts"]) { WorkingDirectory = _folder };
        try
        {
            using var npm = Process.Start(start)!;
            try
            {
                await npm.WaitForExitAsync(cancellationToken);
                return npm.ExitCode == 0;
            }
            finally
            {
                npm.Kill(entireProcessTree: true);
            }
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
