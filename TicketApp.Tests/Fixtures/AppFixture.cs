namespace TicketApp.Tests.Fixtures;

/// <summary>The application with a model that answers within milliseconds.</summary>
public sealed class AppFixture : RunningApp, IDatabaseServer
{
    private TestAuthority? _authority;

    /// <summary>Of the broker's certificate.</summary>
    internal TestAuthority Authority => Broker is null ? null! : _authority!;

    /// <summary>Where the broker listens with TLS.</summary>
    public int BrokerTlsPort { get; } = AppProcesses.NextPort();

    protected override IReadOnlyDictionary<string, string> ApiSettings { get; } = new Dictionary<string, string>
    {
        // What .NET takes of a container's 512 MiB.
        ["DOTNET_GCHeapHardLimit"] = "0x18000000",
        // Receivers are in the tests' process, and fail for less than three days.
        ["Webhooks__AllowHttp"] = "true",
        ["Webhooks__AllowPrivateAddresses"] = "true",
        ["Webhooks__MaxConcurrencyPerHost"] = "2",
        ["Webhooks__Timeout"] = "00:00:02",
        ["Webhooks__Retries__0"] = "00:00:00.200",
        ["Webhooks__Retries__1"] = "00:00:00.200",
    };

    protected override IReadOnlyDictionary<string, string> WorkerSettings { get; } = new Dictionary<string, string>
    {
        ["Simulator__MinDuration"] = "00:00:00.010",
        ["Simulator__MaxDuration"] = "00:00:00.050",
    };

    protected override string BrokerConfiguration =>
        $$"""
        [{rabbit, [
            {ssl_listeners, [{"127.0.0.1", {{BrokerTlsPort}}}]},
            {ssl_options, [{certfile, "{{_authority!.CertificateFile}}"}, {keyfile, "{{_authority.KeyFile}}"}]}]}].
        """;

    private protected override Servers CreateServers(string directory)
    {
        _authority = new(directory, "servers");
        return base.CreateServers(directory);
    }

    protected override Task PrepareAsync(string database) => IDatabaseServer.PrepareAsync(database);
}

[CollectionDefinition(Name)]
public sealed class AppCollection : ICollectionFixture<AppFixture>
{
    public const string Name = "The application";
}

/// <summary>One of its own for what a browser does, beside the other.</summary>
[CollectionDefinition(Name)]
public sealed class PageCollection : ICollectionFixture<AppFixture>
{
    public const string Name = "The page";
}
