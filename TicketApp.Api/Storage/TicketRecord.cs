using System.Buffers.Binary;
using System.Text.Json.Serialization;
using Npgsql;
using TicketApp.Messaging;

namespace TicketApp.Api.Storage;

/// <summary>A ticket as the database has it.</summary>
internal sealed record TicketRecord : ISized
{
    /// <summary>What <see cref="Read"/> reads, in its order.</summary>
    public const string Columns =
        """
        t.ticket_id, t.user_id, t.status::text, t.model, t.input, t.priority, t.attempt, t.max_attempts, t.epoch,
            t.time_created, t.time_started, t.time_finished, t.expires_at, t.response, t.error_type, t.error_message, t.queue_key,
            t.response_details, t.input_json, t.response_json, t.deadline_s
        """;

    /// <summary>How many columns they are; others may follow them.</summary>
    public const int ColumnCount = 21;

    // Of the texts of a page, in bytes.
    private const string MaxPage = "4194304";

    // What a row takes beside its texts.
    private const int Overhead = 1024;

    public required Guid TicketId { get; init; }

    public required Guid UserId { get; init; }

    public required TicketStatus Status { get; init; }

    public required string Model { get; init; }

    public Payload? Input { get; init; }

    public required TicketPriority Priority { get; init; }

    public int Attempt { get; init; }

    public required int MaxAttempts { get; init; }

    public int Epoch { get; init; }

    public required DateTime Created { get; init; }

    public DateTime? Started { get; init; }

    public DateTime? Finished { get; init; }

    public required DateTime Expires { get; init; }

    /// <summary>Seconds from creation, or retry, to finish, if its user said so.</summary>
    public int? DeadlineS { get; init; }

    public Payload? Response { get; init; }

    /// <summary>What the model said beside the response: a JSON object.</summary>
    public string? ResponseDetails { get; init; }

    public string? ErrorType { get; init; }

    public string? ErrorMessage { get; init; }

    /// <summary>Its place in the backlog: smaller is sooner.</summary>
    public long? QueueKey { get; init; }

    public bool IsFinished => Finished is not null;

    /// <inheritdoc/>
    public long Bytes => Overhead + (4L * ((Input?.Text.Length ?? 0) + (Response?.Text.Length ?? 0) + (ResponseDetails?.Length ?? 0)));

    /// <summary>
    /// A page of tickets whose texts are bounded too: it ends before the first that would make it too large, but has one. The column
    /// <c>rows</c> says how many there would be. The lengths are known without reading the texts.
    /// </summary>
    /// <param name="rows">Selects whole tickets, in their order and up to the page's number.</param>
    /// <param name="order">Their order.</param>
    public static string PageOf(string rows, string order) =>
        $"""
        select * from (
            select t.*, (count(*) over ())::int as rows, sum(t.bytes) over (order by {order} rows unbounded preceding) as bytes_so_far
            from (select t.*,
                coalesce(octet_length(t.input), 0) + coalesce(octet_length(t.response), 0)
                    + coalesce(octet_length(t.response_details), 0) as bytes
                from ({rows}) t) t) t
        where t.bytes_so_far <= {MaxPage} or t.bytes_so_far = t.bytes
        """;

    public static TicketRecord Read(NpgsqlDataReader reader) => new()
    {
        TicketId = reader.GetGuid(0),
        UserId = reader.GetGuid(1),
        Status = TicketStatusNames.Parse(reader.GetString(2)),
        Model = reader.GetString(3),
        Input = Payload(reader, 4, 18),
        Priority = (TicketPriority)reader.GetInt16(5),
        Attempt = reader.GetInt16(6),
        MaxAttempts = reader.GetInt16(7),
        Epoch = reader.GetInt32(8),
        Created = reader.GetDateTime(9),
        Started = reader.Time(10),
        Finished = reader.Time(11),
        Expires = reader.GetDateTime(12),
        Response = Payload(reader, 13, 19),
        ErrorType = reader.Text(14),
        ErrorMessage = reader.Text(15),
        QueueKey = reader.IsDBNull(16) ? null : reader.GetInt64(16),
        ResponseDetails = reader.Text(17),
        DeadlineS = reader.IsDBNull(20) ? null : reader.GetInt32(20),
    };

    // A webhook's delivery from before there was JSON says nothing of it.
    private static Payload? Payload(NpgsqlDataReader reader, int text, int isJson) =>
        reader.IsDBNull(text) ? null : new(reader.GetString(text), !reader.IsDBNull(isJson) && reader.GetBoolean(isJson));
}

/// <summary>A ticket as it was read.</summary>
/// <param name="TicketId">Its id.</param>
/// <param name="UserId">Whose it is.</param>
/// <param name="Status">Where it was.</param>
/// <param name="Response">Its response, if it succeeded; the JSON text where it is JSON.</param>
/// <param name="Age">Since its creation, on the database's clock.</param>
internal sealed record TicketSummary(Guid TicketId, Guid UserId, TicketStatus Status, string? Response, TimeSpan Age) : ISized
{
    /// <inheritdoc/>
    [JsonIgnore]
    public long Bytes => 4L * (Response?.Length ?? 0);

    /// <summary>Reads one whose first columns are id, user, status and response.</summary>
    /// <param name="reader">Where it stands.</param>
    /// <param name="age">The column of its age, in seconds.</param>
    public static TicketSummary Read(NpgsqlDataReader reader, int age) => new(
        reader.GetGuid(0),
        reader.GetGuid(1),
        TicketStatusNames.Parse(reader.GetString(2)),
        reader.Text(3),
        TimeSpan.FromSeconds(reader.GetDouble(age)));
}

/// <summary>
/// How soon a ticket comes when tickets wait, by its number in the database. While all have some waiting, four high ones go for each normal
/// one, and four normal ones for each low one.
/// </summary>
internal enum TicketPriority
{
    Low = 0,
    Normal = 1,
    High = 2,
}

internal static class TicketPriorityNames
{
    /// <summary>All of them, as callers write them.</summary>
    public static readonly IReadOnlyList<string> All = ["low", "normal", "high"];

    public static string Of(TicketPriority priority) => All[(int)priority];

    /// <summary>Reads a caller's word.</summary>
    /// <returns>Null if there is no such priority.</returns>
    public static TicketPriority? Parse(string name) => name switch
    {
        "low" => TicketPriority.Low,
        "normal" => TicketPriority.Normal,
        "high" => TicketPriority.High,
        _ => null,
    };
}

/// <summary>
/// Ids of tickets are UUIDs of version 7: in their order the tickets are in that of time, on the clock of the Api that made them.
/// </summary>
internal static class TicketIds
{
    /// <summary>The id that no other is behind.</summary>
    public static Guid Last { get; } = new("ffffffff-ffff-ffff-ffff-ffffffffffff");

    /// <summary>An id that every one made at <paramref name="time"/> or later is behind.</summary>
    public static Guid FirstAt(DateTimeOffset time)
    {
        const int TimeBits = 48;
        var milliseconds = Math.Clamp(time.ToUnixTimeMilliseconds(), 0, (1L << TimeBits) - 1);
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(bytes, milliseconds << (64 - TimeBits));
        return new Guid(bytes, bigEndian: true);
    }
}
