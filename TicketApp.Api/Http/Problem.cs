using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;

namespace TicketApp.Api.Http;

/// <summary>The body of every error of the resource API, as RFC 9457 has it.</summary>
public sealed record Problem
{
    internal const string ContentType = "application/problem+json";

    /// <summary>Which kind of error it is, for programs; the service explains it there.</summary>
    [SchemaFormat("uri-reference")]
    public required string Type { get; init; }

    /// <summary>What kind of error it is, in words.</summary>
    public required string Title { get; init; }

    /// <summary>The HTTP status.</summary>
    [Range(400, 599)]
    public required int Status { get; init; }

    /// <summary>What happened, and what to do about it.</summary>
    public required string Detail { get; init; }

    /// <summary>What is wrong with which field, where fields are at fault.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string[]>? Errors { get; init; }

    internal Utf8ContentHttpResult ToResult() => TypedResults.Text(ApiJson.Serialize(this, ApiJson.Default.Problem), ContentType, Status);
}
