using System.Text.Json;
using TicketApp.Messaging;

namespace TicketApp.Api.Facades.OpenAi;

/// <summary>What <c>POST /chat/completions</c> asks for.</summary>
internal sealed record CompletionRequest
{
    public required string Model { get; init; }

    public bool IsStream { get; init; }

    /// <summary>Whether the last chunk of a stream tells what it took.</summary>
    public bool IncludesUsage { get; init; }

    /// <summary>Whether the ticket stays after it was answered.</summary>
    public bool IsStored { get; init; }

    public required string Priority { get; init; }

    public JsonElement? Metadata { get; init; }

    private JsonElement? Messages { get; init; }

    /// <summary>What stands beside the messages in the model's input.</summary>
    private IReadOnlyList<(string Name, JsonElement? Value)> Members { get; init; } = [];

    /// <summary>Reads a request; what is wrong with it is in the fields' error.</summary>
    public static CompletionRequest? Read(RequestFields fields)
    {
        CompletionRequest request = new()
        {
            Model = fields.Text("model", isRequired: true) ?? "",
            Messages = ReadMessages(fields),
            IsStream = fields.Flag("stream"),
            IncludesUsage = ReadStreamOptions(fields),
            IsStored = fields.Any("store") is null || fields.Flag("store"),
            Priority = ServiceTier.Read(fields),
            Metadata = fields.Metadata("metadata"),
            Members =
            [
                ("temperature", fields.Number("temperature", 0, 2)),
                ("top_p", fields.Number("top_p", 0, 1)),
                ("presence_penalty", fields.Number("presence_penalty", -2, 2)),
                ("frequency_penalty", fields.Number("frequency_penalty", -2, 2)),
                ("seed", fields.Integer("seed", long.MinValue, long.MaxValue)),
                ("stop", ReadStop(fields)),
                (ChatInput.Format, ReadFormat(fields)),
                (ChatInput.Effort, ReadWord(fields, "reasoning_effort")),
                (ChatInput.MaxTokens, fields.Integer(ChatInput.MaxTokens, 1) ?? fields.Integer("max_tokens", 1)),
            ],
        };
        // Known, though the other one counts.
        fields.Integer("max_tokens", 1);
        fields.Only("n", "1");
        fields.Only("logprobs", "false");
        fields.Only("top_logprobs", "0");
        fields.Only("tools", "[]");
        fields.Only("functions", "[]");
        fields.Only("tool_choice", "\"none\"", "\"auto\"");
        fields.Only("function_call", "\"none\"", "\"auto\"");
        fields.Only("modalities", "[\"text\"]");
        fields.Only("logit_bias", "{}");
        fields.Only("verbosity", "\"medium\"");
        fields.Refuse("audio", "prediction", "moderation", "web_search_options");
        fields.Ignore(
            "user", "safety_identifier", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "parallel_tool_calls");
        fields.End();
        return fields.Error is null ? request : null;
    }

    /// <summary>The model's input.</summary>
    public Payload ToInput() => ChatInput.Write(
        writer =>
        {
            foreach (var message in Messages!.Value.EnumerateArray())
            {
                message.WriteTo(writer);
            }
        },
        writer =>
        {
            foreach (var (name, value) in Members)
            {
                ChatInput.Write(writer, name, value);
            }
        });

    private static bool ReadStreamOptions(RequestFields fields)
    {
        if (fields.Object("stream_options") is not { } options)
        {
            return false;
        }

        var includesUsage = options.Flag("include_usage");
        options.Ignore("include_obfuscation");
        options.End();
        return includesUsage;
    }

    private static JsonElement? ReadStop(RequestFields fields)
    {
        const string Name = "stop";
        const int Most = 4;
        var stop = fields.Any(Name);
        var isList = stop is { ValueKind: JsonValueKind.Array } list && list.GetArrayLength() <= Most
            && list.EnumerateArray().All(text => text.ValueKind == JsonValueKind.String);
        if (stop is not null and not { ValueKind: JsonValueKind.String } && !isList)
        {
            fields.Fail(Name, "invalid_type", $"Invalid type for '{Name}': expected a string, or an array of at most {Most} strings.");
        }

        return stop;
    }

    private static JsonElement? ReadFormat(RequestFields fields)
    {
        if (fields.Object(ChatInput.Format) is not { } format)
        {
            return null;
        }

        format.Required("type");
        format.Word("type", "text", "json_object", "json_schema");
        format.Object("json_schema");
        format.End();
        return fields.Any(ChatInput.Format);
    }

    private static JsonElement? ReadWord(RequestFields fields, string name) => fields.Text(name) is null ? null : fields.Any(name);

    /// <summary>Messages that a chat model takes as they are.</summary>
    private static JsonElement? ReadMessages(RequestFields fields)
    {
        fields.Required(ChatInput.Messages);
        if (fields.Array(ChatInput.Messages) is not { } messages)
        {
            return null;
        }

        if (messages.GetArrayLength() == 0)
        {
            fields.Fail(ChatInput.Messages, "invalid_value", "Invalid value for 'messages': expected at least one message.");
        }

        foreach (var message in fields.Objects(ChatInput.Messages, messages))
        {
            message.Required("role");
            message.Word("role", [.. ChatInput.Roles]);
            message.Text("name");
            ReadContent(message);
            // Of an answer that is sent back as it came.
            message.Only("annotations", "[]");
            message.Only("tool_calls", "[]");
            message.Refuse("refusal", "audio", "function_call", "tool_call_id");
            message.End();
        }

        return messages;
    }

    private static void ReadContent(RequestFields message)
    {
        const string Name = "content";
        var content = message.Required(Name);
        if (content is { ValueKind: JsonValueKind.Array } parts && parts.GetArrayLength() > 0)
        {
            foreach (var part in message.Objects(Name, parts))
            {
                part.Required("type");
                part.Ignore("prompt_cache_breakpoint");
                switch (part.Word("type", "text", "image_url"))
                {
                    case "text":
                        part.Text("text", isRequired: true);
                        break;
                    case "image_url":
                        part.Required("image_url");
                        var image = part.Object("image_url");
                        image?.Text("url", isRequired: true);
                        image?.Text("detail");
                        image?.End();
                        break;
                }

                part.End();
            }
        }
        else if (content is not null and not { ValueKind: JsonValueKind.String })
        {
            message.Fail(
                Name, "invalid_type",
                $"Invalid type for '{message.PathOf(Name)}': expected a string, or an array of at least one part.");
        }
    }
}
