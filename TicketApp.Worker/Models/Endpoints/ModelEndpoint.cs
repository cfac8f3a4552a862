using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace TicketApp.Worker.Models.Endpoints;

/// <summary>
/// The endpoint of one model, as every kind asks it: within the limits of time and size, held back while it takes no more, and told to stop
/// by the end of its connection. Everything that goes wrong becomes a <see cref="ModelException"/> with words of our own.
/// </summary>
internal sealed class ModelEndpoint(
    ModelSection model, EndpointSettings settings, HttpClient http, TimeProvider time, ILogger<ModelEndpoint> logger) : IDisposable
{
    private readonly ModelGate _gate = new(time);
    private readonly string _base = settings.Address.AbsoluteUri.TrimEnd('/');

    /// <summary>What tickets call the model.</summary>
    public string Name => model.Name;

    public Uri Address => settings.Address;

    /// <summary>Whether runs wait until it can be reached and takes more.</summary>
    public bool IsUnavailable => _gate.IsClosed;

    /// <summary>How long it may be silent.</summary>
    public TimeSpan Timeout => settings.Timeout;

    public ILogger Logger => logger;

    /// <summary>What to say of what it does wrong.</summary>
    public EndpointFailures Failures { get; } = new(model.Path, settings, time);

    /// <summary>A request with the key and the headers of the settings.</summary>
    /// <param name="method">Its method.</param>
    /// <param name="path">What follows the address, without a slash before it; empty: nothing.</param>
    /// <param name="json">Its body; null: none.</param>
    public HttpRequestMessage Request(HttpMethod method, string path, ReadOnlyMemory<byte>? json = null)
    {
        HttpRequestMessage request = new(method, path.Length == 0 ? Address : new Uri($"{_base}/{path}"));
        if (settings.ApiKey is { Length: > 0 } key)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        foreach (var (name, value) in settings.Headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        if (json is { } body)
        {
            request.Content = new ReadOnlyMemoryContent(body) { Headers = { ContentType = new("application/json") } };
        }

        return request;
    }

    /// <summary>Asks as soon as the endpoint takes requests, and again whenever it is refused. See <see cref="ModelGate"/>.</summary>
    public Task<T> RunAsync<T>(ModelRun run, Func<Action, Task<T>> ask, CancellationToken cancellationToken) =>
        _gate.RunAsync(run, ask, cancellationToken);

    /// <summary>The same for an answer that is one JSON value or one text.</summary>
    public Task<EndpointAnswer> AskAsync(ModelRun run, Func<HttpRequestMessage> request, CancellationToken cancellationToken) =>
        RunAsync(
            run,
            async accepted =>
            {
                var answer = await SendAsync(request(), cancellationToken);
                accepted();
                return answer;
            },
            cancellationToken);

    /// <summary>Sends one request, and reads the answer whole.</summary>
    public Task<EndpointAnswer> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => SendAsync(
        request,
        async (response, heard, token) => new EndpointAnswer(response, await ReadAsync(response, heard, token)),
        cancellationToken);

    /// <summary>Sends one request.</summary>
    /// <param name="request">It is disposed of.</param>
    /// <param name="read">Reads an answer of success; calls its second parameter with each part that comes.</param>
    /// <param name="cancellationToken">Closes the connection.</param>
    /// <param name="alsoRead">A status that is no success and is read as well.</param>
    /// <exception cref="ModelException">What went wrong.</exception>
    public async Task<T> SendAsync<T>(
        HttpRequestMessage request,
        Func<HttpResponseMessage, Action, CancellationToken, Task<T>> read,
        CancellationToken cancellationToken,
        HttpStatusCode? alsoRead = null)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        silence.CancelAfter(Timeout);
        try
        {
            using var sent = request;
            using var response = await http.SendAsync(sent, HttpCompletionOption.ResponseHeadersRead, silence.Token);
            return response.IsSuccessStatusCode || response.StatusCode == alsoRead
                ? await read(response, () => silence.CancelAfter(Timeout), silence.Token)
                : throw Failures.Of(response);
        }
        catch (Exception exception) when (exception is not ModelException)
        {
            // Being told to stop shows in several ways, as does the end of patience; a connection that takes too long shows as the same.
            cancellationToken.ThrowIfCancellationRequested();
            throw exception is not OperationCanceledException { InnerException: TimeoutException } && silence.IsCancellationRequested
                ? EndpointFailures.Silent("nothing", Timeout)
                : EndpointFailures.Of(exception);
        }
    }

    /// <summary>For a kind with a reader of its own, which has limits of its own.</summary>
    public Task<HttpResponseMessage> OpenAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);

    public void Dispose()
    {
        _gate.Dispose();
        http.Dispose();
    }

    /// <summary>The body, which is no larger than it may be.</summary>
    public async Task<byte[]> ReadAsync(HttpResponseMessage response, Action heard, CancellationToken cancellationToken)
    {
        if (response.Content.Headers.ContentLength > settings.MaxAnswerBytes)
        {
            throw TooLarge();
        }

        using MemoryStream whole = new();
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[16 * 1024];
        while (await body.ReadAsync(buffer, cancellationToken) is > 0 and var read)
        {
            heard();
            whole.Write(buffer, 0, read);
            if (whole.Length > settings.MaxAnswerBytes)
            {
                throw TooLarge();
            }
        }

        return whole.ToArray();
    }

    private ModelException TooLarge() =>
        new($"The endpoint sent more than {settings.MaxAnswerBytes} bytes; see {model.Path}:MaxAnswerBytes") { IsFinal = true };
}

/// <summary>What an endpoint has answered.</summary>
internal sealed class EndpointAnswer(HttpResponseMessage response, byte[] body)
{
    private static readonly UTF8Encoding _strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public HttpStatusCode Status { get; } = response.StatusCode;

    /// <summary>Whether it says that it is JSON.</summary>
    public bool IsJson { get; } = response.Content.Headers.ContentType?.MediaType is { } type
        && (type.Equals("application/json", StringComparison.OrdinalIgnoreCase)
            || type.EndsWith("+json", StringComparison.OrdinalIgnoreCase));

    /// <summary>The body as JSON, whatever the answer says that it is.</summary>
    /// <exception cref="ModelException">It is not JSON; NaN, for example, is no number.</exception>
    public JsonElement Json()
    {
        try
        {
            return JsonElement.Parse(body);
        }
        catch (JsonException)
        {
            throw EndpointFailures.NoAnswer("is not JSON");
        }
    }

    /// <summary>The body as text.</summary>
    /// <exception cref="ModelException">It is not UTF-8.</exception>
    public string Text()
    {
        try
        {
            return _strict.GetString(body);
        }
        catch (ArgumentException)
        {
            throw EndpointFailures.NoAnswer("is neither JSON nor text in UTF-8");
        }
    }
}
