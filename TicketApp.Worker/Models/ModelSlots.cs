namespace TicketApp.Worker.Models;

/// <summary>How many runs at once suit a model.</summary>
public static class ModelSlots
{
    /// <summary>For models that wait, for a clock or another machine: 100.</summary>
    public static int Waiting => 100;

    /// <summary>For models that compute: as many as the machine has cores.</summary>
    public static int Computing => Environment.ProcessorCount;
}
