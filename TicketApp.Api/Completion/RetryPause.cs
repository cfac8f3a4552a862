namespace TicketApp.Api.Completion;

/// <summary>The pause between two attempts of a ticket, where neither model nor endpoint named a longer one.</summary>
internal static class RetryPause
{
    /// <summary>
    /// SQL of the pause after the attempt of the row <c>t</c>: it doubles with each attempt up to the longest one. At random between half
    /// and all of that, so that tickets that failed together do not come back together.
    /// </summary>
    /// <param name="first">Parameter with the pause after the first attempt.</param>
    /// <param name="longest">Parameter with the longest pause.</param>
    public static string Sql(string first, string longest) =>
        $"(0.5 + random() / 2) * least({longest}, {first} * 2 ^ least(t.attempt - 1, 20))";
}
