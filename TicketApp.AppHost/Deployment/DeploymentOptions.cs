using Microsoft.Extensions.Configuration;

namespace TicketApp.AppHost.Deployment;

internal enum DeploymentTarget
{
    /// <summary>Not published: run on this machine.</summary>
    None,
    Kubernetes,
    Azure,
    Compose,
}

/// <summary>What is decided when the application is published, from the section <c>Deployment</c>.</summary>
internal sealed class DeploymentOptions
{
    public const string SectionName = "Deployment";

    /// <summary>Where to. Required to publish; azd, which cannot pass it, means Azure.</summary>
    public DeploymentTarget Target { get; set; }

    /// <summary>PostgreSQL is elsewhere, at the connection string <c>tickets</c>. Default false: it is part of the deployment.</summary>
    public bool ExternalPostgres { get; set; }

    /// <summary>RabbitMQ is elsewhere, at the connection string <c>rabbitmq</c>. Default false: it is part of the deployment.</summary>
    public bool ExternalRabbitMq { get; set; }

    /// <summary>
    /// The servers that are part of the deployment speak TLS and nothing else. Not on Azure, where the platform's PostgreSQL does so by
    /// itself, and not in a run on this machine, where they listen on loopback.
    /// </summary>
    public bool ServersHaveTls => Target is DeploymentTarget.Kubernetes or DeploymentTarget.Compose;

    /// <summary>
    /// The name under which callers reach the Api. Not set: a value of the chart, <c>ticketapp.example.com</c>; on Azure, the
    /// environment's own name alone.
    /// </summary>
    public string? PublicHost { get; set; }

    /// <summary>Replicas of the Api at least and at most. Default 2 to 10.</summary>
    public int MinApiReplicas { get; set; } = 2;

    /// <inheritdoc cref="MinApiReplicas"/>
    public int MaxApiReplicas { get; set; } = 10;

    /// <summary>Workers at least and at most; 0 lets the last one go while there is nothing to do. Default 1 to 20.</summary>
    public int MinWorkers { get; set; } = 1;

    /// <inheritdoc cref="MinWorkers"/>
    public int MaxWorkers { get; set; } = 20;

    /// <summary>Slots of a worker, and so how many open tickets ask for another. Default 100; the cores for models that compute.</summary>
    public int WorkerConcurrency { get; set; } = 100;

    /// <summary>
    /// How long a worker that is scaled away lets its runs continue before it hands them back. Default 7 minutes, the
    /// longest run. Azure leaves room for 9 minutes.
    /// </summary>
    public TimeSpan WorkerDrainTimeout { get; set; } = TimeSpan.FromMinutes(7);

    /// <summary>What a worker needs to stop, in seconds: the drain, and the limits of all other steps (docs/operations.md).</summary>
    public int WorkerGraceSeconds => checked((int)WorkerDrainTimeout.TotalSeconds + 45);
}

internal static class DeploymentConfiguration
{
    /// <summary>Reads the section. With a wrong value, what is started or published fails and says so.</summary>
    public static DeploymentOptions GetDeploymentOptions(this IDistributedApplicationBuilder builder)
    {
        try
        {
            return builder.ReadDeploymentOptions();
        }
        catch (Exception e) when (e is DistributedApplicationException or InvalidOperationException)
        {
            builder.FailAtStart(e.Message);
            return new();
        }
    }

    private static DeploymentOptions ReadDeploymentOptions(this IDistributedApplicationBuilder builder)
    {
        var options = builder.Configuration.GetSection(DeploymentOptions.SectionName).Get<DeploymentOptions>() ?? new();
        if (builder.ExecutionContext.IsRunMode)
        {
            options.Target = DeploymentTarget.None;
        }
        else if (options.Target == DeploymentTarget.None || !Enum.IsDefined(options.Target))
        {
            options.Target = builder.Configuration["Publishing:Publisher"] == "manifest"
                ? DeploymentTarget.Azure
                : throw new DistributedApplicationException(
                    "Set Deployment:Target (environment variable Deployment__Target) to kubernetes, azure or compose.");
        }

        return options.MinApiReplicas >= 1 && options.MaxApiReplicas >= options.MinApiReplicas && options.MinWorkers >= 0
            && options.MaxWorkers >= Math.Max(1, options.MinWorkers) && options.WorkerConcurrency >= 1
            ? options
            : throw new DistributedApplicationException(
                "Deployment: MinApiReplicas is at least 1, MinWorkers at least 0, a ceiling at least 1 and not below its floor, "
                + "WorkerConcurrency at least 1.");
    }
}
