namespace TicketApp.Worker.Runs;

/// <summary>Has the slots of one model.</summary>
internal interface IModelRunner : IDisposable
{
    /// <summary>Runs it once there is a slot, and ends it. Does not wait for that.</summary>
    void Take(Run run);
}
