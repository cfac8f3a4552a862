using System.Reflection;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dashboard;
using Aspire.Hosting.Dashboard.Telemetry;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Native;
using Aspire.Hosting.Publishing;
using Aspire.Hosting.Running;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting;

public class DistributedApplicationBuilder : IDistributedApplicationBuilder
{
    private readonly HostApplicationBuilder _host;
    private readonly DistributedApplicationOptions _options;
    private readonly EntryPointInterception? _interception = EntryPointInterception.Current;

    public DistributedApplicationBuilder(string[] args)
        : this(new DistributedApplicationOptions { Args = args })
    {
    }

    public DistributedApplicationBuilder(DistributedApplicationOptions options)
    {
        _options = options;
        var settings = new HostApplicationBuilderSettings { Args = options.Args, Configuration = new ConfigurationManager() };
        _interception?.OnConstructing(options, settings);

        AppHostAssembly = _interception?.AppHostAssembly
            ?? (options.AssemblyName is { } name ? Assembly.Load(name) : Assembly.GetEntryAssembly());
        AppHostDirectory = AppHostMetadata.ProjectDirectory(AppHostAssembly) ?? Directory.GetCurrentDirectory();
        settings.ApplicationName ??= AppHostAssembly?.GetName().Name;
        settings.ContentRootPath ??= Directory.Exists(AppHostDirectory) ? AppHostDirectory : null;
        settings.Configuration!.AddInMemoryCollection([new("hostBuilder:reloadConfigOnChange", "false")]);

        _host = Host.CreateApplicationBuilder(settings);
        if (_host.Configuration["publisher"] is { } publisher)
        {
            _host.Configuration["Publishing:Publisher"] = publisher;
        }

        ExecutionContext = new DistributedApplicationExecutionContext(OperationOf(_host.Configuration));
        Data = new DataDirectories(AppHostDirectory, Environment.ApplicationName, isEphemeral: _interception is not null);
        _interception?.OnConstructed(this);
    }

    public ConfigurationManager Configuration => _host.Configuration;

    public string AppHostDirectory { get; }

    public Assembly? AppHostAssembly { get; }

    public IHostEnvironment Environment => _host.Environment;

    public IServiceCollection Services => _host.Services;

    public IDistributedApplicationEventing Eventing { get; } = new DistributedApplicationEventing();

    public DistributedApplicationExecutionContext ExecutionContext { get; }

    public IResourceCollection Resources { get; } = new ResourceCollection();

    internal DataDirectories Data { get; }

    public IResourceBuilder<T> AddResource<T>(T resource)
        where T : IResource
    {
        if (Resources.TryGetByName(resource.Name, out var existing))
        {
            throw new DistributedApplicationException(
                $"Cannot add resource of type '{resource.GetType()}' with name '{resource.Name}' because resource of type '{existing.GetType()}' with that name already exists. Resource names are case-insensitive.");
        }

        Resources.Add(resource);
        return CreateResourceBuilder(resource);
    }

    public IResourceBuilder<T> CreateResourceBuilder<T>(T resource)
        where T : IResource => new ResourceBuilder<T>(this, resource);

    public DistributedApplication Build()
    {
        _interception?.OnBuilding();
        AddRunningServices();
        var application = new DistributedApplication(_host.Build(), isIntercepted: _interception is not null);
        _interception?.OnBuilt(application);
        return application;
    }

    private static DistributedApplicationOperation OperationOf(ConfigurationManager configuration) =>
        string.Equals(configuration["operation"], "publish", StringComparison.OrdinalIgnoreCase)
        || !string.IsNullOrEmpty(configuration["Publishing:Publisher"])
            ? DistributedApplicationOperation.Publish
            : DistributedApplicationOperation.Run;

    private void AddRunningServices()
    {
        // A stop gives every project its own grace period first and the servers theirs after it.
        Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromMinutes(2));
        _host.Logging.AddFilter("Microsoft", LogLevel.Warning).AddFilter("System.Net.Http", LogLevel.Warning);

        // What keeps the application from starting is thrown to the caller, who says it in one line.
        _host.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);

        // A check that fails while a server starts is no error, and the table says it anyway.
        _host.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);
        if (_interception is null)
        {
            _host.Logging.AddSimpleConsole(console => console.SingleLine = true);
        }

        Services.AddHealthChecks();
        Services.AddHttpClient();
        Services.AddSingleton(_options);
        Services.AddSingleton(Data);
        Services.AddSingleton(Eventing);
        Services.AddSingleton(ExecutionContext);
        Services.AddSingleton(new AppHostMetadata(AppHostAssembly, AppHostDirectory));
        Services.AddSingleton(new DistributedApplicationModel(Resources));
        if (ExecutionContext.IsPublishMode)
        {
            // Nothing runs: what follows is for that.
            Services.AddHostedService<PublishRunner>();
            return;
        }

        Services.AddSingleton<ResourceNotificationService>();
        Services.AddSingleton<ResourceLoggerService>();
        Services.AddSingleton(services => new ResourceCommandService(
            services.GetRequiredService<InstanceRegistry>(),
            services.GetRequiredService<ResourceLoggerService>(),
            services));
        Services.AddSingleton<ResourceHealth>();
        Services.AddSingleton<EndpointAllocator>();
        Services.AddSingleton<ProjectEnvironment>();
        Services.AddSingleton<TelemetryEnvironment>();
        Services.AddSingleton<InstanceServices>();
        Services.AddSingleton<InstanceRegistry>();
        if (_options.EnableResourceLogging)
        {
            Services.AddHostedService<ResourceLogForwarder>();
        }
        else
        {
            Services.AddHostedService<ConsoleReport>();
        }

        Services.AddSingleton<DashboardOptions>();
        Services.AddSingleton<DashboardResources>();
        Services.AddSingleton(services => TelemetryLimits.From(services.GetRequiredService<IConfiguration>()));
        Services.AddSingleton<TelemetryStore>();
        if (!_options.DisableDashboard)
        {
            // Before what it shows, so that it stops after it.
            Services.AddHostedService<DashboardHost>();
        }

        Services.AddHostedService<ApplicationRunner>();
    }
}
