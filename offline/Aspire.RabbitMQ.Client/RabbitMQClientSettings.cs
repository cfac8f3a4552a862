namespace Aspire.RabbitMQ.Client;

/// <summary>Settings of the connection, read from <c>Aspire:RabbitMQ:Client</c> and <c>Aspire:RabbitMQ:Client:{name}</c>.</summary>
public sealed class RabbitMQClientSettings
{
    /// <summary>The AMQP URI; <c>ConnectionStrings:{name}</c> wins over the settings section.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>How often a failed first connect is repeated, 1 s apart at first and doubling. Default 5; 0 for no retry.</summary>
    public int MaxConnectRetryCount { get; set; } = 5;

    /// <summary>Leaves out the health check "RabbitMQ.Client". Default false.</summary>
    public bool DisableHealthChecks { get; set; }

    /// <summary>Leaves out the tracing sources. Default false.</summary>
    public bool DisableTracing { get; set; }

    /// <summary>False connects when the host starts, true on first use. Default true.</summary>
    public bool DisableAutoActivation { get; set; } = true;
}
