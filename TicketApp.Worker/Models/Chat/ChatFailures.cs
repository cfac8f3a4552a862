using System.Globalization;
using System.Net;

namespace TicketApp.Worker.Models.Chat;

/// <summary>
/// Says what went wrong at the endpoint, and whether another attempt helps. Nothing that the endpoint sent is
/// passed on: errors may repeat the prompt.
/// </summary>
internal static class ChatFailures
{
    /// <summary>Any status but 200.</summary>
    public static ModelException Of(HttpResponseMessage response, TimeProvider time)
    {
        var status = (int)response.StatusCode;
        return response.StatusCode switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden =>
                Final($"The endpoint refused the key ({status}); see Key in ConnectionStrings:chat"),
            HttpStatusCode.NotFound =>
                Final($"The endpoint has no such model, or is no chat API ({status}); see Model and Endpoint in ConnectionStrings:chat"),
            HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable =>
                new($"The endpoint takes no more requests for now ({status})") { IsRefused = true, RetryAfter = Pause(response, time) },
            HttpStatusCode.RequestTimeout or HttpStatusCode.Conflict or (HttpStatusCode)425 or >= HttpStatusCode.InternalServerError =>
                Again($"The endpoint failed ({status})", response, time),
            >= HttpStatusCode.BadRequest => Final(
                $"The endpoint refused the request ({status}); the input may be too long for its model, "
                + "or a setting of Chat none that it takes"),
            >= HttpStatusCode.Ambiguous => Final(
                $"The endpoint is somewhere else ({status}), and redirects are not followed; see Endpoint in ConnectionStrings:chat"),
            _ => Again($"The endpoint did not answer as a chat API does ({status})", response, time),
        };
    }

    /// <summary>What was thrown while an answer was awaited or read.</summary>
    public static ModelException Of(Exception exception)
    {
        for (var inner = exception; inner is not null; inner = inner.InnerException)
        {
            switch (inner)
            {
                case ModelException known:
                    return known;
                case HttpRequestException
                {
                    HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
                        or HttpRequestError.SecureConnectionError,
                } request:
                    return new($"The endpoint cannot be reached ({request.HttpRequestError})") { IsRefused = true };
                case TimeoutException:
                    return new("The endpoint cannot be reached in time") { IsRefused = true };
                case IOException or HttpRequestException:
                    return new("The connection to the endpoint broke before its answer was whole");
                default:
                    break;
            }
        }

        // Not with the exception inside: a reader's words repeat what it could not read.
        return new($"The endpoint's answer cannot be read ({exception.GetType().Name})");
    }

    private static ModelException Final(string message) => new(message) { IsFinal = true };

    private static ModelException Again(string message, HttpResponseMessage response, TimeProvider time) =>
        new(message) { RetryAfter = Pause(response, time) };

    /// <summary>In all forms that servers send: seconds and their fractions, a date, and milliseconds in a header of OpenAI's.</summary>
    private static TimeSpan? Pause(HttpResponseMessage response, TimeProvider time)
    {
        var pause =
            Number(response, "retry-after-ms") is { } milliseconds ? milliseconds / 1000
            : Number(response, "Retry-After") is { } seconds ? seconds
            : (response.Headers.RetryAfter?.Date - time.GetUtcNow())?.TotalSeconds;
        return pause is { } known ? TimeSpan.FromSeconds(Math.Clamp(known, 0, TimeSpan.FromDays(365_000).TotalSeconds)) : null;
    }

    private static double? Number(HttpResponseMessage response, string header) =>
        response.Headers.NonValidated.TryGetValues(header, out var values)
            && double.TryParse(values.ToString(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            && !double.IsNaN(number)
            ? number
            : null;
}
