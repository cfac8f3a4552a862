namespace TicketApp.Api.Webhooks;

/// <summary>A connection was not made, since the host has an address that is not of the public Internet.</summary>
internal sealed class PrivateAddressException : Exception
{
    public PrivateAddressException()
        : this("The host has an address that is not public.")
    {
    }

    public PrivateAddressException(string message)
        : base(message)
    {
    }

    public PrivateAddressException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
