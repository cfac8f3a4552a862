using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>
/// A registry with one image, in place of the one of the .NET images, which tests do without: what the base of native programs has, no
/// shell and no package manager among it, made of this machine's own libraries.
/// </summary>
internal sealed class BaseImage : IAsyncDisposable
{
    private const string Repository = "dotnet/runtime-deps";
    private const string ManifestType = "application/vnd.docker.distribution.manifest.v2+json";
    private const string ConfigType = "application/vnd.docker.container.image.v1+json";
    private const string LayerType = "application/vnd.docker.image.rootfs.diff.tar.gzip";

    private static readonly string[] _libraries =
    [
        "ld-linux-", "libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1",
        "libz.so.1", "libssl.so.3", "libcrypto.so.3",
    ];

    private readonly WebApplication _app;

    private BaseImage(WebApplication app) => _app = app;

    public string Name =>
        string.Create(CultureInfo.InvariantCulture, $"localhost:{new Uri(_app.Urls.Single()).Port}/{Repository}:10.0-noble-chiseled");

    public static async Task<BaseImage> StartAsync()
    {
        var tar = await TarAsync();
        using MemoryStream compressed = new();
        await using (GZipStream gzip = new(compressed, CompressionLevel.Fastest, leaveOpen: true))
        {
            await gzip.WriteAsync(tar);
        }

        var layer = compressed.ToArray();
        var config = Bytes(new JsonObject
        {
            ["architecture"] = "amd64",
            ["os"] = "linux",
            ["config"] = new JsonObject
            {
                ["User"] = "1654",
                ["Env"] = new JsonArray("PATH=/usr/bin", "APP_UID=1654", "ASPNETCORE_HTTP_PORTS=8080"),
            },
            ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray(Digest(tar)) },
            ["history"] = new JsonArray(new JsonObject { ["created_by"] = "tests" }),
        });
        var manifest = Bytes(new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = ManifestType,
            ["config"] = new JsonObject { ["mediaType"] = ConfigType, ["size"] = config.Length, ["digest"] = Digest(config) },
            ["layers"] = new JsonArray(new JsonObject { ["mediaType"] = LayerType, ["size"] = layer.Length, ["digest"] = Digest(layer) }),
        });

        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.Run(context => context.Request.Path.Value switch
        {
            "/v2/" => Task.CompletedTask,
            var path when path!.StartsWith($"/v2/{Repository}/manifests/", StringComparison.Ordinal) =>
                AnswerAsync(context, manifest, ManifestType),
            var path when path == $"/v2/{Repository}/blobs/{Digest(config)}" => AnswerAsync(context, config, "application/octet-stream"),
            var path when path == $"/v2/{Repository}/blobs/{Digest(layer)}" => AnswerAsync(context, layer, "application/octet-stream"),
            _ => Results.NotFound().ExecuteAsync(context),
        });
        await app.StartAsync();
        return new(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static async Task AnswerAsync(HttpContext context, byte[] body, string type)
    {
        context.Response.ContentType = type;
        context.Response.ContentLength = body.Length;
        context.Response.Headers["Docker-Content-Digest"] = Digest(body);
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await context.Response.Body.WriteAsync(body);
        }
    }

    private static async Task<byte[]> TarAsync()
    {
        using MemoryStream stream = new();
        await using (TarWriter tar = new(stream, leaveOpen: true))
        {
            foreach (var (folder, mode) in ((string, string)[])[("tmp", "1777"), ("proc", "555"), ("dev", "755")])
            {
                await tar.WriteEntryAsync(
                    new PaxTarEntry(TarEntryType.Directory, $"{folder}/") { Mode = (UnixFileMode)Convert.ToInt32(mode, 8) });
            }

            foreach (var device in (string[])["null", "zero", "random", "urandom"])
            {
                await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, $"dev/{device}"));
            }

            foreach (var library in await LibrariesAsync())
            {
                await using var file = File.OpenRead(library);
                PaxTarEntry entry = new(TarEntryType.RegularFile, library.TrimStart('/'))
                {
                    DataStream = file,
                    Mode = UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute,
                };
                await tar.WriteEntryAsync(entry);
            }
        }

        return stream.ToArray();
    }

    /// <summary>Where the loader of this machine finds them, and that loader where programs name it.</summary>
    private static async Task<IEnumerable<string>> LibrariesAsync()
    {
        var (_, output, _) = await Publication.RunAsync("ldconfig", ["-p"]);
        return output.Split('\n')
            .Where(line => _libraries.Any(library => line.TrimStart().StartsWith(library, StringComparison.Ordinal)))
            .Where(line => line.Contains("x86-64", StringComparison.Ordinal))
            .Select(line => line.Split(" => ")[1])
            .Append("/lib64/ld-linux-x86-64.so.2")
            .Distinct();
    }

    private static byte[] Bytes(JsonNode json) => Encoding.UTF8.GetBytes(json.ToJsonString());

    private static string Digest(byte[] content) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(content))}";
}
