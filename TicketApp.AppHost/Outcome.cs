using Aspire.Hosting.Pipelines;
using Aspire.Hosting.Publishing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace TicketApp.AppHost;

/// <summary>Ends what fails with exit code 1 and one line: what cannot start, and what cannot be published.</summary>
internal static class Outcome
{
    /// <summary>Makes a start or a publish fail, once that can be reported as any other failure of it.</summary>
    public static void FailAtStart(this IDistributedApplicationBuilder builder, string reason)
    {
        if (builder.ExecutionContext.IsRunMode)
        {
            builder.Eventing.Subscribe<BeforeStartEvent>((_, _) => throw new DistributedApplicationException(reason));
            return;
        }

        builder.Pipeline.AddStep(
            "check-settings",
            _ => throw new DistributedApplicationException(reason),
            requiredBy: (string[])[WellKnownPipelineSteps.Publish, WellKnownPipelineSteps.Deploy, "publish-manifest"]);
    }

    /// <summary>Runs the application, or publishes it.</summary>
    /// <returns>The exit code.</returns>
    public static int Run(this IDistributedApplicationBuilder builder) =>
        builder.ExecutionContext.IsRunMode ? RunHere(builder) : Publish(builder);

    private static int RunHere(IDistributedApplicationBuilder builder)
    {
        // Stack traces of what the line below, or RunSupervisor, says in words.
        builder.Services.AddLogging(logging => logging
            .AddFilter<ConsoleLoggerProvider>("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None)
            .AddFilter<ConsoleLoggerProvider>("Aspire.Hosting.Dcp.DcpExecutor", LogLevel.None));
        try
        {
            builder.Build().Run();
            return Environment.ExitCode;
        }
        catch (AggregateException e) when (e.InnerException is OperationCanceledException)
        {
            // Stopped while it started: by a person, or because a server failed, of which the console tells.
            return Environment.ExitCode;
        }
        catch (Exception e)
        {
            Console.Error.WriteLine(Reason(e).ReplaceLineEndings(" "));
            return 1;
        }
    }

    /// <summary>Aspire's pipeline is a background service of the host, which logs what that throws, stops, and ends with 0.</summary>
    private static int Publish(IDistributedApplicationBuilder builder)
    {
        // Without the CLI nobody can answer: a parameter without a value would be waited for until the process is killed.
        if (builder.Configuration["ASPIRE_BACKCHANNEL_PATH"] is null)
        {
            builder.Configuration["ASPIRE_INTERACTIVITY_ENABLED"] = "false";
        }

        // Three stack traces of the pipeline, which say what the line below says. The CLI has its own logger.
        if (!builder.Configuration.GetValue<bool>("Pipeline:IncludeExceptionDetails"))
        {
            builder.Services.AddLogging(logging => logging
                .AddFilter<ConsoleLoggerProvider>("Aspire.Hosting.Publishing.PipelineExecutor", LogLevel.None)
                .AddFilter<ConsoleLoggerProvider>("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None));
        }

        // Interrupted, the pipeline throws nothing: it has begun and does not finish.
        var unfinished = false;
        builder.Eventing.Subscribe<BeforePublishEvent>((_, _) => Task.FromResult(unfinished = true));
        builder.Eventing.Subscribe<AfterPublishEvent>((_, _) => Task.FromResult(unfinished = false));
        var app = builder.Build();
        var services = app.Services.GetServices<IHostedService>().OfType<BackgroundService>().ToArray();
        Exception? error = null;
        try
        {
            app.Run();
        }
        catch (AggregateException e)
        {
            error = e;
        }

        error ??= services.Select(service => service.ExecuteTask?.Exception).FirstOrDefault(exception => exception is not null);
        if (error is null && !unfinished)
        {
            return 0;
        }

        Console.Error.WriteLine($"Publishing failed: {Reason(error)}".ReplaceLineEndings(" "));
        return 1;
    }

    /// <summary>The step and its error, without what the pipeline and the task wrap around them.</summary>
    private static string Reason(Exception? error) => error switch
    {
        null => "it was interrupted.",
        AggregateException { InnerExceptions: [var only] } => Reason(only),
        DistributedApplicationException { InnerException: { } inner } => Reason(inner),
        _ => error.Message,
    };
}
