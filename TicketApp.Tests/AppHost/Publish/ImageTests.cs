using System.Diagnostics;
using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>
/// The images, as <c>dotnet publish /t:PublishContainer</c> makes them, unpacked and run without a container engine: in their root alone,
/// which is read-only, as their user. Compiling them takes minutes, so not part of a test run; the nightly workflow starts it.
/// </summary>
public sealed class ImageTests(ITestOutputHelper output)
{
    private static readonly TimeSpan _compileLimit = TimeSpan.FromMinutes(20);

    [Fact(Explicit = true)]
    public async Task A_ticket_is_answered_by_the_images()
    {
        Assert.SkipUnless(RuntimeInformation.RuntimeIdentifier == "linux-x64", "The base image here is one for Linux on x64.");
        Assert.SkipUnless(PodRights.AreKept, "Only root can give a process another root.");
        await using var baseImage = await BaseImage.StartAsync();
        Dictionary<string, Image> images = [];
        foreach (var service in (string[])["Api", "Worker"])
        {
            images[service.ToLowerInvariant()] = await PublishAsync(service, baseImage.Name);
        }

        ImageApp app = new(images);
        await app.InitializeAsync();
        try
        {
            app.Api.DefaultRequestHeaders.Add("Authorization", PublishedAppFixture.AdminAuthorization);
            var ticket = await app.CreateTicketAsync(await app.CreateUserAsync());
            Assert.EndsWith("message", await app.FinishAsync(ticket), StringComparison.Ordinal);
            foreach (var line in await app.RestartAsync())
            {
                output.WriteLine(line);
            }
        }
        finally
        {
            await app.DisposeAsync();
        }
    }

    private async Task<Image> PublishAsync(string service, string baseImage)
    {
        var folder = Publication.NewFolder();
        var archive = Path.Combine(folder, "image.tar.gz");
        var begin = Stopwatch.GetTimestamp();
        var (exitCode, said, error) = await Publication.RunAsync(
            "dotnet",
            [
                "publish", Path.Combine(Repository.Root, $"TicketApp.{service}"), "-nologo", "-v", "quiet", "/t:PublishContainer",
                $"-p:ContainerBaseImage={baseImage}", $"-p:ContainerArchiveOutputPath={archive}", "-p:ContainerImageFormat=OCI",
            ],
            limit: _compileLimit);
        Assert.True(exitCode == 0, said + error);
        var published = Stopwatch.GetElapsedTime(begin);

        var root = Directory.CreateDirectory(Path.Combine(folder, "root")).FullName;
        var layout = Directory.CreateDirectory(Path.Combine(folder, "layout")).FullName;
        await ExtractAsync(archive, layout);
        var manifest = Blob(layout, JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(layout, "index.json")))!["manifests"]![0]!);
        var layers = manifest["layers"]!.AsArray();
        foreach (var layer in layers)
        {
            await ExtractAsync(BlobPath(layout, layer!), root);
        }

        var config = Blob(layout, manifest["config"]!)["config"]!;
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{service}: a layer of {(long)layers[^1]!["size"]! / 1e6:F1} MB, published in {published.TotalSeconds:F0} s"));
        Assert.Equal("1654", (string?)config["User"]);
        var entry = config["Entrypoint"]!.AsArray().Select(argument => (string)argument!).ToArray();
        Assert.Equal([$"/app/TicketApp.{service}"], entry);
        // A native program: no assembly, and nothing that could be a shell.
        Assert.DoesNotContain(
            Directory.EnumerateFiles(Path.Combine(root, "app"), "*", SearchOption.AllDirectories),
            file => Path.GetExtension(file) is ".dll" or ".pdb");
        return new(root, (string)config["User"]!, entry, [.. config["Env"]!.AsArray().Select(variable => (string)variable!)]);
    }

    private static async Task ExtractAsync(string archive, string folder)
    {
        await using var file = File.OpenRead(archive);
        var isCompressed = file.ReadByte() == 0x1F;
        file.Position = 0;
        await using Stream tar = isCompressed ? new GZipStream(file, CompressionMode.Decompress) : file;
        await TarFile.ExtractToDirectoryAsync(tar, folder, overwriteFiles: true);
    }

    private static JsonNode Blob(string layout, JsonNode descriptor) => JsonNode.Parse(File.ReadAllText(BlobPath(layout, descriptor)))!;

    private static string BlobPath(string layout, JsonNode descriptor) =>
        Path.Combine(layout, "blobs", ((string)descriptor["digest"]!).Replace(':', '/'));

    /// <param name="Root">Where it was unpacked.</param>
    /// <param name="User">As whom it runs.</param>
    /// <param name="Entry">What it runs.</param>
    /// <param name="Variables">The variables that it has of its own.</param>
    private sealed record Image(string Root, string User, string[] Entry, string[] Variables);

    private sealed class ImageApp(IReadOnlyDictionary<string, Image> images) : PublishedAppFixture
    {
        // The shell stays, as the first process of the container's namespace: when it is killed, all are.
        private const string Script = """
            root=$1 user=$2; shift 2
            mount --make-rprivate /
            mount --bind "$root" "$root"
            mount -t tmpfs -o size=128m,mode=1777 scratch "$root/tmp"
            mount -t proc proc "$root/proc"
            for device in null zero random urandom; do mount --bind "/dev/$device" "$root/dev/$device"; done
            mount -o remount,ro,bind "$root"
            setpriv --no-new-privs chroot --userspec="$user:$user" --groups="$user" "$root" "$@" &
            wait $!
            """;

        /// <summary>How long each service takes until it is ready, with servers and a schema that are there.</summary>
        public async Task<IReadOnlyList<string>> RestartAsync()
        {
            List<string> lines = [];
            foreach (var name in (string[])["api-1", "worker-1"])
            {
                var process = Processes.Single(process => process.Name == name);
                await process.StopAsync();
                var begin = Stopwatch.GetTimestamp();
                await StartAsync([process]);
                var time = Stopwatch.GetElapsedTime(begin);
                lines.Add(string.Create(CultureInfo.InvariantCulture, $"{name} was ready {time.TotalMilliseconds:F0} ms after its start"));
            }

            return lines;
        }

        private protected override ChildProcess CreateService(
            string service, string name, string project, int port, IReadOnlyDictionary<string, string> environment)
        {
            var image = images[service];
            // Nothing of this machine's: its variables would reach the program too.
            string[] command =
            [
                "env", "-i", .. image.Variables, "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                .. environment.Select(variable => $"{variable.Key}={variable.Value}"),
                string.Create(CultureInfo.InvariantCulture, $"ASPNETCORE_URLS=http://127.0.0.1:{port}"),
                "unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-euc", Script, "sh", image.Root, image.User, .. image.Entry,
            ];
            // As the kernel abbreviates it.
            var program = Path.GetFileName(image.Entry[0]);
            return AppProcesses.Service(name, port, environment, command, program[..Math.Min(program.Length, 15)]);
        }
    }
}
