namespace TicketApp.Api.Storage;

/// <summary>More waits than may wait: the caller is told 503 and when to come back.</summary>
public sealed class OverloadedException : Exception
{
    public OverloadedException()
        : this("The service is at its limit.")
    {
    }

    public OverloadedException(string message)
        : base(message)
    {
    }

    public OverloadedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
