using System.Text.Json;
using System.Text.Json.Nodes;
using TicketApp.Messaging;
using TicketApp.Worker.Models;

namespace TicketApp.Worker.Runs;

/// <summary>Ends runs, each once: makes of what their models did the report that says so.</summary>
internal sealed partial class RunEnds(Reporter reporter, RunMetrics metrics, WorkerIdentity worker, ILogger<RunEnds> logger)
{
    private const int MaxDetails = 10_000;

    /// <summary>The model answered.</summary>
    /// <returns>Whether this ended the run, as with the others here.</returns>
    public bool Answered(Run run, ModelAnswer answer)
    {
        if (answer.Response.Text.Length > WorkerReport.MaxResponse)
        {
            return Failed(run, new ModelException($"The response has more than {WorkerReport.MaxResponse} characters") { IsFinal = true });
        }

        return End(run, run.Report(ReportType.Finished, worker.Name) with
        {
            Response = answer.Response.IsJson ? answer.Response : Reportable.Text(answer.Response.Text),
            Details = DetailsOf(answer.Details),
        });
    }

    /// <summary>The model threw, or did not come to run.</summary>
    public bool Failed(Run run, Exception exception)
    {
        if (exception is OperationCanceledException && run.Token.IsCancellationRequested)
        {
            return Stopped(run);
        }

        Log.ModelFailed(logger, exception, run.Ticket.TicketId, run.Ticket.Model);
        return End(run, exception is ModelException known
            ? Failure(run, known.ErrorType, known.Message) with
            {
                IsFinal = known.IsFinal,
                IsRefused = known.IsRefused && !known.IsFinal,
                RetryAfterMilliseconds = (long)Math.Max(0, known.RetryAfter?.TotalMilliseconds ?? 0),
            }
            : Failure(run, "model_error", exception.Message));
    }

    /// <summary>It cannot be run here or anywhere.</summary>
    public bool Refused(Run run, string type, string message) => End(run, Failure(run, type, message) with { IsFinal = true });

    /// <summary>It stopped when it was told to, or it did not and is left to itself.</summary>
    public bool Stopped(Run run) => End(run, run.IsStopped
        ? run.Report(ReportType.Returned, worker.Name)
        : Failure(run, "execution_timeout", $"The run took longer than {run.Limit}"));

    /// <summary>There is nothing to say of it.</summary>
    public bool Dropped(Run run)
    {
        if (!run.TryEnd())
        {
            return false;
        }

        reporter.Drop(run);
        return true;
    }

    private static JsonElement? DetailsOf(JsonObject? details) =>
        details?.ToJsonString() is { Length: <= MaxDetails } json ? JsonElement.Parse(json) : null;

    private WorkerReport Failure(Run run, string type, string message) => run.Report(ReportType.Failed, worker.Name) with
    {
        ErrorType = Reportable.ErrorType(type),
        ErrorMessage = Reportable.Error(message),
    };

    private bool End(Run run, WorkerReport report)
    {
        if (!run.TryEnd(report.ErrorType))
        {
            return false;
        }

        metrics.Ended(run, report);
        reporter.Report(report, run);
        return true;
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Warning, Message = "Ticket {TicketId}: the model {Model} failed")]
        public static partial void ModelFailed(ILogger logger, Exception exception, Guid ticketId, string model);
    }
}

/// <summary>What a report may say: anything else would be refused by the Api, with all that shares its message.</summary>
internal static class Reportable
{
    private const int MaxError = 1000;
    private const int MaxErrorType = 50;

    /// <summary>PostgreSQL's text cannot hold U+0000.</summary>
    public static string Text(string text) => text.Replace('\0', '\uFFFD');

    public static string ErrorType(string type) => Start(type, MaxErrorType);

    public static string Error(string message) => Start(message, MaxError);

    private static string Start(string text, int length) => Text(text.Length <= length ? text : text[..length]);
}
