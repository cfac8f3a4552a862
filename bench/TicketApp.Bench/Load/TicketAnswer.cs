using System.Net;

namespace TicketApp.Bench.Load;

/// <summary>What <c>GET /ticket</c> said.</summary>
/// <param name="Status">The status code; 202 as long as the ticket is open.</param>
/// <param name="Body">The body, word for word.</param>
internal readonly record struct TicketAnswer(HttpStatusCode Status, string Body)
{
    public bool IsOpen => Status == HttpStatusCode.Accepted;

    /// <summary>Whether the ticket ended with a response.</summary>
    public bool IsSucceeded => Status == HttpStatusCode.OK;
}
