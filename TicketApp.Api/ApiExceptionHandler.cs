using Microsoft.AspNetCore.Diagnostics;
using Microsoft.Extensions.Options;
using TicketApp.Api.Auth;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;

namespace TicketApp.Api;

/// <summary>
/// Turns what goes wrong into the original's <c>{"message":"…"}</c>, or a problem where the resource API was asked, with nothing of the
/// inside told.
/// </summary>
internal sealed partial class ApiExceptionHandler(
    IOptions<LimitOptions> limits, DatabaseFaults faults, ILogger<ApiExceptionHandler> logger)
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
        var (status, text) = exception switch
        {
            BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } =>
                (StatusCodes.Status413PayloadTooLarge, $"Request body is larger than {limits.Value.MaxBodyBytes / 1024} KiB"),
            BadHttpRequestException bad => (bad.StatusCode, "Bad request"),
            UserLimitException => (StatusCodes.Status429TooManyRequests, "Too many open tickets, try again soon"),
            OverloadedException => (StatusCodes.Status503ServiceUnavailable, "Service is overloaded, try again soon"),
            _ when DatabaseErrors.IsUnavailable(exception) =>
                (StatusCodes.Status503ServiceUnavailable, "Service is temporarily unavailable, try again soon"),
            _ => (StatusCodes.Status500InternalServerError, "Internal server error"),
        };
        if (status == StatusCodes.Status429TooManyRequests)
        {
            httpContext.Response.Headers.RetryAfter = RetryAfterSeconds;
        }
        else if (status == StatusCodes.Status503ServiceUnavailable)
        {
            httpContext.Response.Headers.RetryAfter = RetryAfterSeconds;
            Log.Unavailable(logger, httpContext.Request.Path, DatabaseErrors.Describe(exception) ?? exception.Message);
        }
        else if (status == StatusCodes.Status500InternalServerError)
        {
            Log.Failed(logger, exception, httpContext.Request.Path);
        }

        var answer = ResourceApi.Serves(httpContext.Request) ? TicketProblems.Of(exception).ToResult() : ApiJson.WithMessage(status, text);
        await answer.ExecuteAsync(httpContext);
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
