using System.Globalization;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Models;

/// <summary>What the server of a model does in place of an answer.</summary>
internal static class EndpointFault
{
    /// <summary>Is in all that it sends, and nobody may learn it.</summary>
    public const string Secret = "the-words-of-a-user";

    /// <param name="exchange">The request.</param>
    /// <param name="fault">
    /// <c>status N</c>, <c>close at once</c>, <c>close half-way</c>, <c>send half</c>, <c>silent at once</c>, <c>silent half-way</c>,
    /// <c>no JSON</c>, <c>NaN</c>, <c>other JSON</c>; else more than is taken.
    /// </param>
    public static async Task SendAsync(ModelExchange exchange, string fault)
    {
        if (fault.StartsWith("status ", StringComparison.Ordinal))
        {
            exchange.Response.Headers.Location = "/elsewhere";
            await exchange.AnswerAsync(
                $$$"""{"error":"Invalid input: {{{Secret}}}"}""",
                int.Parse(fault.AsSpan("status ".Length), CultureInfo.InvariantCulture));
            return;
        }

        if (fault == "send half")
        {
            exchange.Response.ContentLength = 1000;
        }

        if (fault is "close half-way" or "send half" or "silent half-way")
        {
            await exchange.WriteAsync($$"""{"{{Secret}}":""");
        }

        switch (fault)
        {
            case "close at once" or "close half-way" or "send half":
                exchange.Break();
                break;
            case "silent at once" or "silent half-way":
                await exchange.StallAsync();
                break;
            case "no JSON":
                await exchange.AnswerAsync($"<html>{Secret}</html>");
                break;
            case "NaN":
                await exchange.AnswerAsync($$$"""{"choices":NaN,"status":"succeeded","output":NaN,"{{{Secret}}}":1}""");
                break;
            case "other JSON":
                await exchange.AnswerAsync($$$"""{"choices":7,"outputs":{"{{{Secret}}}":1},"status":"{{{Secret}}}"}""");
                break;
            default:
                for (var i = 0; i < 100 && !exchange.Closed.IsCompleted; i++)
                {
                    await exchange.WriteAsync($"data: {new string('a', 100_000)}");
                }

                await exchange.StallAsync();
                break;
        }
    }
}
