using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using TicketApp.Messaging;
using TicketApp.Worker.Models.Endpoints;

namespace TicketApp.Worker.Models.Chat;

/// <summary>
/// Asks an OpenAI-compatible endpoint for a streamed answer and takes it as long as it is one: tokens keep coming, it is not longer than
/// asked for, and it has an end and a text. What comes after the end cannot undo it. Everything else becomes a
/// <see cref="ModelException"/> with words of our own.
/// </summary>
/// <remarks>https://platform.openai.com/docs/api-reference/chat</remarks>
internal sealed class ChatEndpoint(ModelEndpoint endpoint, string model) : IChatClient
{
    private const string MaxTokens = "max_tokens";
    private const string MaxCompletionTokens = "max_completion_tokens";
    private const int MaxRefusal = 64 * 1024;

    // An endpoint may say for some time that it is still there. For how long, in silences.
    private const int SignsOfLife = 10;

    // The usage comes right after the end, where it comes.
    private static readonly TimeSpan _afterEnd = TimeSpan.FromSeconds(2);

    private readonly TimeSpan _timeout = endpoint.Timeout;
    private readonly ChatClientMetadata _metadata = new("openai", endpoint.Address, model);

    // Servers that do not know the newer name mostly ignore it; those that refuse it are asked by the older one from then on.
    private volatile string _limitName = MaxCompletionTokens;

    /// <summary>The first update, empty, says that the endpoint has accepted the request.</summary>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var signs = CancellationTokenSource.CreateLinkedTokenSource(silence.Token);
        silence.CancelAfter(_timeout);
        using var response = await TryAsync(() => SendAsync(messages, options, signs.Token), default, silence, cancellationToken);
        yield return new(ChatRole.Assistant, []);
        ChatText text = new();
        var (tokens, hasEnded, isLast) = (0, false, false);
        var most = options?.MaxOutputTokens is { } limit ? limit + (limit / 4) + 2L : long.MaxValue;
        signs.CancelAfter(_timeout * SignsOfLife);
        await using var pieces = ChatStream
            .ReadAsync(await response!.Content.ReadAsStreamAsync(signs.Token), () => silence.CancelAfter(_timeout), signs.Token)
            .GetAsyncEnumerator(signs.Token);
        while (!isLast && await TryAsync(() => pieces.MoveNextAsync().AsTask(), hasEnded, silence, cancellationToken))
        {
            var piece = pieces.Current;
            if (piece.IsToken && !hasEnded)
            {
                tokens++;
                signs.CancelAfter(_timeout * SignsOfLife);
            }

            ChatResponseUpdate update = new() { Role = ChatRole.Assistant, ModelId = piece.Model };
            if (!hasEnded && text.Add(piece.Text) is { Length: > 0 } words)
            {
                update.Contents.Add(new TextContent(words));
            }

            if (text.Length > WorkerReport.MaxResponse)
            {
                throw new ModelException($"The answer has more than {WorkerReport.MaxResponse} characters") { IsFinal = true };
            }

            // An endpoint that knows the limit by no name would continue.
            isLast = piece.IsLast || tokens > most;
            if (!hasEnded && (piece.End ?? (tokens > most ? ChatFinishReason.Length.Value : null)) is { } end)
            {
                ThrowIfNone(end, text.Length);
                (hasEnded, update.FinishReason) = (true, new(end));
                signs.CancelAfter(_afterEnd);
            }

            if (piece.Usage is not null)
            {
                update.Contents.Add(new UsageContent(piece.Usage));
            }

            // Telemetry keeps all updates until the end: those that say something.
            if (update.Contents.Count > 0 || update.FinishReason is not null)
            {
                yield return update;
            }
        }

        if (!hasEnded && !(isLast && text.Length > 0))
        {
            // Without an end the connection was closed half-way, or the endpoint gave up in the middle.
            throw new ModelException(isLast ? "The endpoint gave an empty answer" : "The endpoint's answer broke off before its end");
        }

        if (text.Rest() is { Length: > 0 } rest)
        {
            yield return new(ChatRole.Assistant, rest);
        }
    }

    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ChatClientMetadata) ? _metadata : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose() => endpoint.Dispose();

    private static void ThrowIfNone(string end, int length)
    {
        if (end == ChatFinishReason.ContentFilter.Value)
        {
            throw new ModelException("The endpoint's content filter withheld the answer") { IsFinal = true };
        }

        if (length == 0)
        {
            throw end == ChatFinishReason.Length.Value
                ? new ModelException(
                    "The model used up the limit of its answer before the first word, as models that reason do; see MaxOutputTokens")
                {
                    IsFinal = true,
                }
                : new ModelException("The endpoint gave an empty answer");
        }
    }

    /// <returns>The default once the answer <paramref name="isWhole"/>: whatever happens then does not matter.</returns>
    private async Task<T?> TryAsync<T>(
        Func<Task<T>> step, bool isWhole, CancellationTokenSource silence, CancellationToken cancellationToken)
    {
        try
        {
            return await step();
        }
        catch (Exception exception) when (isWhole || exception is not ModelException)
        {
            if (isWhole)
            {
                return default;
            }

            // Being told to stop shows in several ways, as does the end of patience; a connection that takes too long shows as the same.
            cancellationToken.ThrowIfCancellationRequested();
            throw exception is OperationCanceledException { InnerException: TimeoutException } ? EndpointFailures.Of(exception)
                : silence.IsCancellationRequested ? EndpointFailures.Silent("nothing", _timeout)
                : exception is OperationCanceledException
                    ? EndpointFailures.Silent("signs of life but no answer", _timeout * SignsOfLife)
                    : EndpointFailures.Of(exception);
        }
    }

    private async Task<HttpResponseMessage> SendAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken)
    {
        var limitName = _limitName;
        while (true)
        {
            var body = Encoding.UTF8.GetBytes(Body(messages, options, limitName).ToJsonString());
            using var request = endpoint.Request(HttpMethod.Post, "chat/completions", body);
            var response = await endpoint.OpenAsync(request, cancellationToken);
            if (response.StatusCode == HttpStatusCode.OK)
            {
                _limitName = limitName;
                return response;
            }

            using (response)
            {
                if (limitName == MaxTokens || options?.MaxOutputTokens is null || !await NamesLimitAsync(response, cancellationToken))
                {
                    throw response.IsSuccessStatusCode ? endpoint.Failures.Unexpected(response) : endpoint.Failures.Of(response);
                }

                limitName = MaxTokens;
            }
        }
    }

    /// <summary>Whether a request was refused for the name of the limit.</summary>
    private static async Task<bool> NamesLimitAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.StatusCode is not (HttpStatusCode.BadRequest or HttpStatusCode.UnprocessableEntity))
        {
            return false;
        }

        var buffer = new byte[MaxRefusal];
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var read = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        return buffer.AsSpan(0, read).IndexOf("max_completion_tokens"u8) >= 0;
    }

    /// <summary>What the ticket asks itself, under what the settings say.</summary>
    private JsonObject Body(IEnumerable<ChatMessage> messages, ChatOptions? options, string limitName)
    {
        var body = (options?.RawRepresentationFactory?.Invoke(this) as JsonObject)?.DeepClone().AsObject() ?? [];
        var own = body["messages"] as JsonArray ?? [];
        body["messages"] = new JsonArray(
        [
            .. messages.Select(message => new JsonObject { ["role"] = message.Role.Value, ["content"] = message.Text }),
            .. own.Select(message => message?.DeepClone()),
        ]);
        body["model"] = model;
        body["stream"] = true;
        body["stream_options"] = new JsonObject { ["include_usage"] = true };
        if (options?.Temperature is { } temperature)
        {
            body.TryAdd("temperature", temperature);
        }

        body.Remove(MaxTokens);
        body.Remove(MaxCompletionTokens);
        if (options?.MaxOutputTokens is { } limit)
        {
            body[limitName] = limit;
        }

        return body;
    }
}

/// <summary>Joins the pieces of a text, of which each may end within a character: halves of an emoji come one by one.</summary>
internal sealed class ChatText
{
    private string _half = "";

    /// <summary>How much there is, in UTF-16 characters.</summary>
    public int Length { get; private set; }

    /// <summary>What is whole with <paramref name="piece"/>.</summary>
    public string Add(string? piece)
    {
        if (string.IsNullOrEmpty(piece))
        {
            return "";
        }

        Length += piece.Length;
        piece = _half + piece;
        _half = char.IsHighSurrogate(piece[^1]) ? piece[^1..] : "";
        return WellFormed(piece[..^_half.Length]);
    }

    /// <summary>What is left at the end.</summary>
    public string Rest() => WellFormed(_half);

    private static string WellFormed(string text) =>
        text.AsSpan().IndexOfAnyInRange('\ud800', '\udfff') < 0 ? text : string.Concat(text.EnumerateRunes());
}
