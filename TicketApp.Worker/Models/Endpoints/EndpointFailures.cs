using System.Globalization;
using System.Net;
using System.Text.Json;

namespace TicketApp.Worker.Models.Endpoints;

/// <summary>
/// Says what went wrong at the endpoint of a model, and whether another attempt helps. Nothing that the endpoint sent is
/// passed on: errors may repeat the input.
/// </summary>
/// <param name="path">The model's section of the settings.</param>
/// <param name="settings">Its settings.</param>
/// <param name="time">The time.</param>
internal sealed class EndpointFailures(string path, EndpointSettings settings, TimeProvider time)
{
    /// <summary>Any status that is no success.</summary>
    public ModelException Of(HttpResponseMessage response)
    {
        var status = (int)response.StatusCode;
        return response.StatusCode switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden =>
                Final($"The endpoint refused the key ({status}); see {path}:ApiKey and {path}:Headers"),
            HttpStatusCode.NotFound =>
                Final($"The endpoint has no such model, or is not of this kind ({status}); see {path}:Url"),
            HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable => Busy(status, response),
            var other when other == settings.Busy => Busy(status, response),
            HttpStatusCode.RequestTimeout or HttpStatusCode.Conflict or (HttpStatusCode)425 or >= HttpStatusCode.InternalServerError =>
                Again($"The endpoint failed ({status})", response),
            >= HttpStatusCode.BadRequest =>
                Final($"The endpoint refused the request ({status}); its model may not take the input, or a setting of {path}"),
            >= HttpStatusCode.Ambiguous =>
                Final($"The endpoint is somewhere else ({status}), and redirects are not followed; see {path}:Url"),
            _ => Unexpected(response),
        };
    }

    /// <summary>A success that is no answer.</summary>
    public ModelException Unexpected(HttpResponseMessage response) =>
        Again($"The endpoint did not answer as one of this kind does ({(int)response.StatusCode})", response);

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
        return NoAnswer($"cannot be read ({exception.GetType().Name})");
    }

    /// <summary>It was silent for too long.</summary>
    public static ModelException Silent(string heard, TimeSpan time) => new($"The endpoint sent {heard} for {time.TotalSeconds:0.#} s");

    /// <summary>It has sent something that is no answer; another attempt may get one.</summary>
    /// <param name="reason">What follows "The endpoint's answer".</param>
    public static ModelException NoAnswer(string reason) => new($"The endpoint's answer {reason}");

    /// <summary>An answer of JSON.</summary>
    /// <exception cref="ModelException">It is <c>null</c>, or cannot be passed on.</exception>
    public static ModelAnswer Answer(JsonElement json)
    {
        try
        {
            return ModelAnswer.FromJsonElement(json);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw NoAnswer("is null, nested too deep, or has half a character");
        }
    }

    /// <summary>The model does not take the input.</summary>
    public static ModelException Final(string message) => new(message) { IsFinal = true };

    private ModelException Busy(int status, HttpResponseMessage response) =>
        new($"The endpoint takes no more requests for now ({status})") { IsRefused = true, RetryAfter = Pause(response) };

    private ModelException Again(string message, HttpResponseMessage response) => new(message) { RetryAfter = Pause(response) };

    /// <summary>In all forms that servers send: seconds and their fractions, a date, and milliseconds in a header of OpenAI's.</summary>
    private TimeSpan? Pause(HttpResponseMessage response)
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
