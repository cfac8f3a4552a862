namespace TicketApp.Messaging.Broker;

/// <summary>The broker cannot be reached now, or did not take the message. Nothing was lost that the caller still holds.</summary>
public sealed class BrokerUnavailableException : Exception
{
    public BrokerUnavailableException()
        : this("The message broker is not available.")
    {
    }

    public BrokerUnavailableException(string message)
        : base(message)
    {
    }

    public BrokerUnavailableException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
