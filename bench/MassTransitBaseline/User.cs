namespace MassTransitBaseline;

public sealed class User
{
    public Guid UserId { get; set; }

    public DateTime TimeCreated { get; set; }
}
