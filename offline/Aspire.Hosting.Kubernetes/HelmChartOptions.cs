namespace Aspire.Hosting.Kubernetes;

public sealed class HelmChartOptions
{
    internal string Name { get; private set; } = "aspire";

    internal string Version { get; private set; } = "0.1.0";

    internal string Description { get; private set; } = "Aspire Helm Chart";

    public HelmChartOptions WithChartName(string name)
    {
        Name = name;
        return this;
    }

    public HelmChartOptions WithChartVersion(string version)
    {
        Version = version;
        return this;
    }

    public HelmChartOptions WithChartDescription(string description)
    {
        Description = description;
        return this;
    }

    /// <summary>Accepted: only a deployment uses it, and a stand-in deploys nothing.</summary>
    public HelmChartOptions WithReleaseName(string releaseName) => this;

    /// <inheritdoc cref="WithReleaseName"/>
    public HelmChartOptions WithNamespace(string @namespace) => this;
}
