namespace Aspire.Hosting;

public sealed class DistributedApplicationOptions
{
    public string[]? Args { get; set; }

    /// <summary>Name of the AppHost's assembly. Default: the entry assembly.</summary>
    public string? AssemblyName { get; set; }

    /// <summary>Serves no dashboard and tells nobody to send telemetry there. Default false, true in tests.</summary>
    public bool DisableDashboard { get; set; }

    /// <summary>Forwards the resources' output to the AppHost's loggers. Default false, true in tests.</summary>
    public bool EnableResourceLogging { get; set; }

    public bool AllowUnsecuredTransport { get; set; }
}
