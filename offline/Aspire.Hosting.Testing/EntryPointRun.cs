using System.Reflection;
using Aspire.Hosting.Running;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Testing;

/// <summary>An AppHost's entry point on a thread of its own, halted and resumed by the test.</summary>
internal sealed class EntryPointRun(
    Assembly assembly,
    string[] args,
    Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configure) : EntryPointInterception
{
    private readonly TaskCompletionSource<DistributedApplicationBuilder> _builder = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<DistributedApplication> _application = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<bool> _mayBuild = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private DistributedApplicationBuilder? _constructed;

    public override Assembly AppHostAssembly => assembly;

    public Task<DistributedApplicationBuilder> StartAsync(CancellationToken cancellationToken)
    {
        var entryPoint = assembly.EntryPoint
            ?? throw new InvalidOperationException($"Assembly {assembly.GetName().Name} does not have an entry point.");
        var thread = new Thread(() => Run(entryPoint)) { IsBackground = true, Name = $"{assembly.GetName().Name}.EntryPoint" };
        thread.Start();
        return _builder.Task.WaitAsync(cancellationToken);
    }

    public Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken)
    {
        _mayBuild.TrySetResult(true);
        return _application.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Ends an entry point that the test never let build, and disposes of the application that it did.</summary>
    public async ValueTask EndAsync()
    {
        if (!_mayBuild.TrySetResult(false) && _application.Task.IsCompletedSuccessfully)
        {
            await (await _application.Task).DisposeAsync();
        }
    }

    public override void OnConstructing(DistributedApplicationOptions options, HostApplicationBuilderSettings settings)
    {
        settings.Args = [.. settings.Args ?? [], .. args];
        options.Args = settings.Args;
        settings.ApplicationName = assembly.GetName().Name;
        options.AssemblyName = settings.ApplicationName;
        options.DisableDashboard = true;
        options.EnableResourceLogging = true;
        settings.Configuration ??= new ConfigurationManager();
        settings.Configuration.AddInMemoryCollection(Defaults());
        settings.EnvironmentName ??= settings.Configuration["DOTNET_ENVIRONMENT"];
        configure(options, settings);
    }

    public override void OnConstructed(DistributedApplicationBuilder builder) => _constructed = builder;

    public override void OnBuilding()
    {
        _builder.TrySetResult(_constructed!);
        if (!_mayBuild.Task.GetAwaiter().GetResult())
        {
            throw new OperationCanceledException("The test is done with the model and does not build the application.");
        }
    }

    public override void OnBuilt(DistributedApplication application) => _application.TrySetResult(application);

    private void Run(MethodInfo entryPoint)
    {
        Current = this;
        try
        {
            entryPoint.Invoke(null, entryPoint.GetParameters().Length == 0 ? [] : [args]);
            Fail(new InvalidOperationException("The entry point exited without building a DistributedApplication."));
        }
        catch (TargetInvocationException e)
        {
            Fail(e.InnerException ?? e);
        }
    }

    private void Fail(Exception e)
    {
        _builder.TrySetException(e);
        _application.TrySetException(e);
        _ = _builder.Task.Exception;
        _ = _application.Task.Exception;
    }

    /// <summary>Ports that nobody else uses, and the variables of the AppHost's first profile, which "dotnet run" would set.</summary>
    private Dictionary<string, string?> Defaults()
    {
        var defaults = new Dictionary<string, string?> { ["DcpPublisher:RandomizePorts"] = "true" };
        if (AppHostMetadata.ProjectDirectory(assembly) is { } directory && LaunchProfile.Read(directory) is [var profile, ..])
        {
            foreach (var (name, value) in profile.EnvironmentVariables)
            {
                defaults[name] = value;
            }
        }

        return defaults;
    }
}
