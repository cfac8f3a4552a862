using System.Text.Json;
using TicketApp.Api.Storage;
using TicketApp.Messaging;

namespace TicketApp.Api.Facades.OpenAi;

/// <summary>What <c>POST /responses</c> asks for.</summary>
internal sealed record ResponseRequest
{
    // What an answer would have more of, if it had any of the items that these belong to.
    private static readonly string[] _emptyIncludes =
    [
        "reasoning.encrypted_content", "file_search_call.results", "web_search_call.results", "web_search_call.action.sources",
        "message.input_image.image_url", "computer_call_output.output.image_url", "code_interpreter_call.outputs",
    ];

    private static readonly string[] _efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

    public required string Model { get; init; }

    public string? Instructions { get; init; }

    public required IReadOnlyList<ChatMessage> Input { get; init; }

    public Guid? PreviousTicketId { get; init; }

    public bool IsBackground { get; init; }

    public bool IsStream { get; init; }

    public required string Priority { get; init; }

    /// <summary>What stands beside the messages in the model's input.</summary>
    private IReadOnlyList<(string Name, JsonElement? Value)> Members { get; init; } = [];

    private bool IsStored { get; init; }

    private JsonElement? Format { get; init; }

    private JsonElement? Metadata { get; init; }

    /// <summary>Reads a request; what is wrong with it is in the fields' error.</summary>
    public static ResponseRequest? Read(RequestFields fields)
    {
        ResponseRequest request = new()
        {
            Model = fields.Text("model", isRequired: true) ?? "",
            Instructions = fields.Text("instructions"),
            Input = ReadInput(fields),
            PreviousTicketId = ReadPrevious(fields),
            IsBackground = fields.Flag("background"),
            IsStream = fields.Flag("stream"),
            IsStored = fields.Any("store") is null || fields.Flag("store"),
            Priority = ServiceTier.Read(fields),
            Metadata = fields.Metadata("metadata"),
            Members =
            [
                ("temperature", fields.Number("temperature", 0, 2)),
                ("top_p", fields.Number("top_p", 0, 1)),
                (ChatInput.MaxTokens, fields.Integer("max_output_tokens", 1)),
                (ChatInput.Effort, ReadEffort(fields)),
            ],
            Format = ReadFormat(fields),
        };
        if (request is { IsBackground: true, IsStored: false })
        {
            fields.Fail("store", "unsupported_value", "Unsupported value: 'store' must be true where 'background' is.");
        }

        fields.Object("stream_options")?.Ignore("include_obfuscation");
        fields.Only("truncation", "\"disabled\"");
        fields.Only("tools", "[]");
        fields.Only("tool_choice", "\"none\"", "\"auto\"");
        fields.Only("top_logprobs", "0");
        foreach (var include in fields.Array("include")?.EnumerateArray() ?? default)
        {
            if (include.ValueKind != JsonValueKind.String || !_emptyIncludes.Contains(include.GetString()))
            {
                fields.Fail("include", "unsupported_value", "Unsupported value: 'include' asks for what answers here do not have.");
            }
        }

        fields.Refuse("conversation", "prompt", "context_management", "moderation", "image", "access_programs");
        fields.Ignore(
            "user", "safety_identifier", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "parallel_tool_calls",
            "max_tool_calls");
        fields.End();
        return fields.Error is null ? request : null;
    }

    /// <summary>The model's input. What it was asked for beside that is kept in it.</summary>
    /// <param name="previous">The ticket of the response that this one follows.</param>
    public Payload ToInput(TicketRecord? previous) => ChatInput.Write(
        writer =>
        {
            if (Instructions is not null)
            {
                ChatInput.Write(writer, ChatMessage.Of(ChatInput.System, Instructions));
            }

            if (previous is not null)
            {
                foreach (var message in ResponseTicket.Of(previous)!.Messages)
                {
                    message.WriteTo(writer);
                }

                ChatInput.Write(writer, ChatMessage.Of(ChatInput.Assistant, previous.Response!.Value.Text));
            }

            foreach (var message in Input)
            {
                ChatInput.Write(writer, message);
            }
        },
        writer =>
        {
            foreach (var (name, value) in Members)
            {
                ChatInput.Write(writer, name, value);
            }

            ChatInput.Write(writer, ChatInput.Format, Format);
            writer.WriteStartObject(ChatInput.Metadata);
            writer.WriteStartObject(ResponseTicket.Member);
            writer.WriteBoolean(ResponseTicket.Background, IsBackground);
            writer.WriteBoolean(ResponseTicket.HasInstructions, Instructions is not null);
            writer.WriteBoolean(ResponseTicket.Store, IsStored);
            if (PreviousTicketId is { } previousId)
            {
                writer.WriteString(ResponseTicket.Previous, OpenAiIds.Of(OpenAiIds.Response, previousId));
            }

            ChatInput.Write(writer, ResponseTicket.Labels, Metadata);
            writer.WriteEndObject();
            writer.WriteEndObject();
        });

    private static IReadOnlyList<ChatMessage> ReadInput(RequestFields fields)
    {
        const string Name = "input";
        if (fields.Required(Name) is not { } input)
        {
            return [];
        }

        if (input.ValueKind == JsonValueKind.String)
        {
            return [ChatMessage.Of("user", input.GetString()!)];
        }

        if (input.ValueKind != JsonValueKind.Array || input.GetArrayLength() == 0)
        {
            fields.Fail(Name, "invalid_type", "Invalid type for 'input': expected a string, or an array of at least one item.");
            return [];
        }

        return [.. fields.Objects(Name, input).Select(ReadItem)];
    }

    private static ChatMessage ReadItem(RequestFields item)
    {
        item.Only("type", "\"message\"");
        var role = item.Word("role", [.. ChatInput.Roles]) ?? "";
        item.Required("role");
        // All endpoints know the older word for it.
        role = role == "developer" ? ChatInput.System : role;
        var parts = ReadContent(item, role);
        item.Ignore("id", "status", "phase");
        item.End();
        return new(role, parts);
    }

    private static IReadOnlyList<ChatPart> ReadContent(RequestFields item, string role)
    {
        const string Name = "content";
        if (item.Required(Name) is not { } content)
        {
            return [];
        }

        if (content.ValueKind == JsonValueKind.String)
        {
            return [new(content.GetString(), null, null)];
        }

        if (content.ValueKind != JsonValueKind.Array || content.GetArrayLength() == 0)
        {
            item.Fail(
                Name, "invalid_type",
                $"Invalid type for '{item.PathOf(Name)}': expected a string, or an array of at least one part.");
            return [];
        }

        return [.. item.Objects(Name, content).Select(part => ReadPart(part, role))];
    }

    private static ChatPart ReadPart(RequestFields part, string role)
    {
        switch (part.Text("type", isRequired: true))
        {
            case "input_text" or "output_text":
                part.Ignore("annotations", "logprobs", "prompt_cache_breakpoint");
                ChatPart text = new(part.Text("text", isRequired: true) ?? "", null, null);
                part.End();
                return text;
            case "input_image" when role == "user":
                part.Refuse("file_id");
                part.Ignore("prompt_cache_breakpoint");
                ChatPart image = new(null, part.Text("image_url", isRequired: true), part.Word("detail", "low", "high", "auto"));
                part.End();
                return image;
            case { } type:
                part.Fail(
                    "type", "unsupported_value", $"Unsupported value: '{part.PathOf("type")}' does not support '{Shown(type)}' here.");
                break;
        }

        return new("", null, null);
    }

    private static string Shown(string type) => type.Length <= 50 ? type : type[..50];

    private static Guid? ReadPrevious(RequestFields fields)
    {
        const string Name = "previous_response_id";
        if (fields.Text(Name) is not { } id)
        {
            return null;
        }

        if (OpenAiIds.TicketOf(id) is { } ticketId)
        {
            return ticketId;
        }

        fields.Fail(Name, "previous_response_not_found", "There is no response with the id that 'previous_response_id' names.");
        return null;
    }

    private static JsonElement? ReadEffort(RequestFields fields)
    {
        if (fields.Object("reasoning") is not { } reasoning)
        {
            return null;
        }

        reasoning.Word("effort", _efforts);
        var effort = reasoning.Any("effort");
        reasoning.Refuse("summary", "generate_summary", "context", "mode");
        reasoning.End();
        return effort;
    }

    /// <summary>The same as chat completions have it, which nest the schema.</summary>
    private static JsonElement? ReadFormat(RequestFields fields)
    {
        if (fields.Object("text") is not { } text)
        {
            return null;
        }

        text.Only("verbosity", "\"medium\"");
        var format = text.Object("format");
        text.End();
        if (format?.Word("type", "text", "json_object", "json_schema") is not { } type)
        {
            format?.Required("type");
            return null;
        }

        var (name, schema) = (format.Text("name"), format.Any("schema"));
        format.Ignore("description", "strict");
        format.End();
        if (type == "json_schema" && (name is null || schema is not { ValueKind: JsonValueKind.Object }))
        {
            format.Fail(name is null ? "name" : "schema", "missing_required_parameter", "A 'json_schema' has a 'name' and a 'schema'.");
        }

        return type == "text" || fields.Error is not null ? null : ResponseFormat.ToChat(text.Any("format")!.Value);
    }
}
