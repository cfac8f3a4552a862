using Microsoft.AspNetCore.Diagnostics;
using Microsoft.Extensions.Options;
using TicketApp.Api.Auth;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;

namespace TicketApp.Api;

/// <summary>
/// Turns what goes wrong into the original's <c>{"message":"…"}</c>, or the form that goes with the path, with nothing of the inside told.
/// </summary>
internal sealed partial class ApiExceptionHandler(
    IOptions<LimitOptions> limits, DatabaseFaults faults, ErrorForms errors, ILogger<ApiExceptionHandler> logger)
    : IExceptionHandler
{
    private const string RetryAfterSeconds = "2";

    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (exception is OperationCanceledException && httpContext.RequestAborted.IsCancellationRequested)
        {
            return true;
        }

        faults.Note(exception);
        ResponseHeaders.Add(httpContext);
        var problem = TicketProblems.Of(exception);
        switch (problem.Status)
        {
            case StatusCodes.Status413PayloadTooLarge:
                problem = problem with { Message = $"Request body is larger than {limits.Value.MaxBodyBytes / 1024} KiB" };
                break;
            case StatusCodes.Status429TooManyRequests:
                httpContext.Response.Headers.RetryAfter = RetryAfterSeconds;
                break;
            case StatusCodes.Status503ServiceUnavailable:
                httpContext.Response.Headers.RetryAfter = RetryAfterSeconds;
                Log.Unavailable(logger, httpContext.Request.Path, DatabaseErrors.Describe(exception) ?? exception.Message);
                break;
            case StatusCodes.Status500InternalServerError:
                Log.Failed(logger, exception, httpContext.Request.Path);
                break;
        }

        await errors.Answer(httpContext.Request, problem).ExecuteAsync(httpContext);
        return true;
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Warning, Message = "{Path} was answered 503: {Reason}")]
        public static partial void Unavailable(ILogger logger, string path, string reason);

        [LoggerMessage(EventId = 2, Level = LogLevel.Error, Message = "{Path} failed")]
        public static partial void Failed(ILogger logger, Exception exception, string path);
    }
}
