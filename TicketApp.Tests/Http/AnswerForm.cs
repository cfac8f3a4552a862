using System.Text.Json.Nodes;

namespace TicketApp.Tests.Http;

/// <summary>The form that errors have below each path.</summary>
internal static class AnswerForm
{
    /// <summary>Checks the body of an error; one of HEAD has none.</summary>
    public static void Assert(string path, int status, string? contentType, string body, string what)
    {
        if (status < 400 || body.Length == 0)
        {
            return;
        }

        // What Kestrel itself refuses has no path yet, and is a problem.
        path = status == 400 && contentType == "application/problem+json" ? "/v1" : path;
        var error = JsonNode.Parse(body)!.AsObject();
        string[] members =
            Is("/v1") ? ["status", "title", "type"]
            : Is("/openai/v1") ? ["error"]
            : Is("/replicate/v1") ? ["detail", "status", "title"]
            : ["message"];
        Xunit.Assert.True(members.All(error.ContainsKey), $"{what}\n{body}");
        Xunit.Assert.Equal(
            (Is("/v1") ? "application/problem+json" : "application/json; charset=utf-8", what), (contentType, what));
        Xunit.Assert.True(error["status"] is not { } stated || (int)stated == status, $"{what}\n{body}");

        bool Is(string prefix) => path.Equals(prefix, StringComparison.OrdinalIgnoreCase)
            || path.StartsWith($"{prefix}/", StringComparison.OrdinalIgnoreCase);
    }
}
