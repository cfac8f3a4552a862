using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Native;

namespace Aspire.Hosting.Running;

/// <summary>A server on its data directory, started again on the same port and data.</summary>
internal sealed class ServerInstance : ProcessInstance
{
    private readonly string _dataDirectory;
    private readonly ServerProcessFile _processFile;

    public ServerInstance(
        IResource resource,
        string id,
        NativeServer server,
        IReadOnlyDictionary<string, int> ports,
        InstanceServices services)
        : base(resource, id, ports, services)
    {
        Server = server;
        _dataDirectory = services.Data.Of(resource.Name, resource.HasAnnotationOfType<ContainerMountAnnotation>());
        _processFile = new ServerProcessFile(_dataDirectory);
    }

    public NativeServer Server { get; }

    protected override TimeSpan StopGrace => TimeSpan.FromSeconds(20);

    protected override string EndState => KnownResourceStates.Exited;

    public void CheckData() => Server.CheckData(_dataDirectory);

    protected override async Task<GuardedProcess> LaunchAsync(Action<string, bool> onLine, CancellationToken cancellationToken)
    {
        await _processFile.WaitUntilGoneAsync(cancellationToken);
        var environment = await ProjectEnvironment.BuildModelAsync(Resource, Services.ExecutionContext, cancellationToken);
        await PublishEnvironmentAsync(environment);
        var process = await Server.StartAsync(
            new NativeServerContext(_dataDirectory, Ports.Values.Single(), environment, onLine),
            cancellationToken);
        _processFile.Write(await process.Started);
        return process;
    }

    protected override Task OnEndedAsync() => Server.StopCompanionsAsync();
}
