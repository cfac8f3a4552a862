namespace Aspire.Npgsql;

/// <summary>Settings of the data source, read from <c>Aspire:Npgsql</c> and <c>Aspire:Npgsql:{name}</c>.</summary>
public class NpgsqlSettings
{
    /// <summary>The connection string; <c>ConnectionStrings:{name}</c> wins over the settings section.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>Leaves out the health check "PostgreSql". Default false.</summary>
    public bool DisableHealthChecks { get; set; }

    /// <summary>Leaves out the Npgsql tracing source. Default false.</summary>
    public bool DisableTracing { get; set; }

    /// <summary>Leaves out the Npgsql meter. Default false.</summary>
    public bool DisableMetrics { get; set; }
}
