namespace TicketApp.Api.Auth;

/// <summary>A user has as many open tickets as one may have: the caller is told 429 and when to come back.</summary>
public sealed class UserLimitException : Exception
{
    public UserLimitException()
        : this("The user has as many open tickets as one may have.")
    {
    }

    public UserLimitException(string message)
        : base(message)
    {
    }

    public UserLimitException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
