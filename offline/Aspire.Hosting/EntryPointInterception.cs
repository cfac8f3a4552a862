using System.Reflection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

/// <summary>How tests take hold of the application that an AppHost's entry point builds on their thread.</summary>
internal abstract class EntryPointInterception
{
    private static readonly AsyncLocal<EntryPointInterception?> _current = new();

    public static EntryPointInterception? Current
    {
        get => _current.Value;
        set => _current.Value = value;
    }

    public abstract Assembly AppHostAssembly { get; }

    public abstract void OnConstructing(DistributedApplicationOptions options, HostApplicationBuilderSettings settings);

    public abstract void OnConstructed(DistributedApplicationBuilder builder);

    /// <summary>Blocks the entry point until the test has said what it changes in the model.</summary>
    public abstract void OnBuilding();

    public abstract void OnBuilt(DistributedApplication application);
}
