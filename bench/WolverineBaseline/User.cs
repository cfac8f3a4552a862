namespace WolverineBaseline;

public sealed class User
{
    public Guid UserId { get; set; }

    public DateTime TimeCreated { get; set; }
}
