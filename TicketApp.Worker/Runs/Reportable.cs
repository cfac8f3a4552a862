namespace TicketApp.Worker.Runs;

/// <summary>What a report may say: anything else would be refused by the Api, with all that shares its message.</summary>
internal static class Reportable
{
    private const int MaxError = 1000;
    private const int MaxErrorType = 50;

    /// <summary>PostgreSQL's text cannot hold U+0000.</summary>
    public static string Text(string text) => text.Replace('\0', '\uFFFD');

    public static string ErrorType(string type) => Start(type, MaxErrorType);

    public static string Error(string message) => Start(message, MaxError);

    private static string Start(string text, int length) => Text(text.Length <= length ? text : text[..length]);
}
