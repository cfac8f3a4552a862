namespace TicketApp.Simulation;

/// <summary>How large a simulation is.</summary>
/// <param name="Tickets">Tickets that wait at the start.</param>
/// <param name="Users">Users they belong to; the first has half of them.</param>
/// <param name="Workers">Workers.</param>
/// <param name="Slots">Slots of each worker.</param>
/// <param name="Duration">How long it runs.</param>
internal sealed record SimulationSize(int Tickets, int Users, int Workers, int Slots, TimeSpan Duration);
