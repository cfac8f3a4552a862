using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using TicketApp.ServiceDefaults;

namespace TicketApp.Worker.Models.Chat;

/// <summary>How the chat model is asked, from the section <c>Chat</c>. Where it is says the connection string <c>chat</c>.</summary>
public sealed class ChatModelOptions
{
    public const string SectionName = "Chat";

    /// <summary>
    /// System message that the chat model receives before each ticket's input. Not set: no system message. Default: not set.
    /// </summary>
    public string? SystemPrompt { get; set; }

    /// <summary>Sampling temperature, from 0 (most predictable) to 2. Not set: the endpoint's default. Default: not set.</summary>
    [Range(0, 2)]
    public float? Temperature { get; set; }

    /// <summary>
    /// Maximum length of an answer, in tokens; the answer is cut there. Not set: the endpoint's default. Default: not set.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int? MaxOutputTokens { get; set; }

    /// <summary>Slots of the chat model. Overrides <c>Worker:Concurrency</c>; <c>Worker:Slots:chat</c> overrides it. Default: 16.</summary>
    [Range(1, ushort.MaxValue)]
    public int MaxConcurrency { get; set; } = 16;

    /// <summary>
    /// Maximum silence of the endpoint, from the request to the first token and between two tokens. Leave enough time for the endpoint to
    /// load its model. Signs of life without a token, such as comments, count for ten times as long. Default: 00:01:00.
    /// </summary>
    [TimeSpanRange("00:00:00.100", "1.00:00:00")]
    public TimeSpan TokenTimeout { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Whether requests to the endpoint use the proxy of <c>HTTPS_PROXY</c> and similar variables. false: requests never use a proxy.
    /// Default: false.
    /// </summary>
    public bool UseProxy { get; set; }
}

[OptionsValidator]
internal sealed partial class ChatModelOptionsValidator : IValidateOptions<ChatModelOptions>;
