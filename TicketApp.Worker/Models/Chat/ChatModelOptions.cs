using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using TicketApp.ServiceDefaults;

namespace TicketApp.Worker.Models.Chat;

/// <summary>How the chat model is asked, from the section <c>Chat</c>. Where it is says the connection string <c>chat</c>.</summary>
public sealed class ChatModelOptions
{
    public const string SectionName = "Chat";

    /// <summary>What it is told before each ticket's input. Default: nothing.</summary>
    public string? SystemPrompt { get; set; }

    /// <summary>How freely it answers: 0 is the most predictable. Default: what the endpoint does by itself.</summary>
    [Range(0, 2)]
    public float? Temperature { get; set; }

    /// <summary>The longest answer, in tokens; it ends there. Default: what the endpoint does by itself.</summary>
    [Range(1, int.MaxValue)]
    public int? MaxOutputTokens { get; set; }

    /// <summary>Slots: how many requests a worker has in progress at once. Counts before <c>Worker:Concurrency</c>, and <c>Worker:Slots:chat</c> before it. Default 16.</summary>
    [Range(1, ushort.MaxValue)]
    public int MaxConcurrency { get; set; } = 16;

    /// <summary>How long it may send nothing, from the request to the first token and between two. Default 1 minute.</summary>
    [TimeSpanRange("00:00:00.100", "1.00:00:00")]
    public TimeSpan TokenTimeout { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Whether requests go through the proxy that the environment names (<c>HTTPS_PROXY</c> and its like). Default false: never through one.</summary>
    public bool UseProxy { get; set; }
}

[OptionsValidator]
internal sealed partial class ChatModelOptionsValidator : IValidateOptions<ChatModelOptions>;
