namespace Aspire.Hosting;

public sealed class DistributedApplicationOptions
{
    public string[]? Args { get; set; }

    /// <summary>Name of the AppHost's assembly. Default: the entry assembly.</summary>
    public string? AssemblyName { get; set; }

    /// <summary>Accepted for the sake of callers: there is no dashboard without the real packages.</summary>
    public bool DisableDashboard { get; set; }

    /// <summary>Forwards the resources' output to the AppHost's loggers. Default false, true in tests.</summary>
    public bool EnableResourceLogging { get; set; }

    public bool AllowUnsecuredTransport { get; set; }
}
