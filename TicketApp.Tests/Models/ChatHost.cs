namespace TicketApp.Tests.Models;

/// <summary>A chat model at an endpoint.</summary>
internal sealed class ChatHost(string url, params IEnumerable<KeyValuePair<string, string?>> settings)
    : ModelHost([.. Settings(url), .. settings])
{
    /// <summary>How a model <c>chat</c> is configured that is there.</summary>
    public static IReadOnlyList<KeyValuePair<string, string?>> Settings(string url) =>
    [
        new("Models:chat:Kind", "chat"),
        new("Models:chat:Url", url),
        new("Models:chat:ApiKey", "test-key"),
        new("Models:chat:Model", "test-model"),
    ];
}
