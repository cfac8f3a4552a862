namespace TicketApp.Api.Dispatch;

/// <summary>What a look into the database found of one model.</summary>
/// <param name="InFlight">Tickets dispatched and not ended, by all replicas.</param>
/// <param name="Slots">Slots of the workers that serve it and were heard of lately.</param>
/// <param name="Workers">How many these are.</param>
/// <param name="Replicas">Api replicas that share the window, this one included.</param>
/// <param name="HasBacklog">Whether tickets wait.</param>
/// <param name="IsPaused">Whether nothing may be dispatched.</param>
internal readonly record struct WindowState(long InFlight, long Slots, int Workers, int Replicas, bool HasBacklog, bool IsPaused = false);

/// <summary>What a look found.</summary>
/// <param name="Replicas">Api replicas that share the windows, this one included.</param>
/// <param name="Models">By model; those that nobody serves, and of which nothing is in flight or waits, are not there.</param>
/// <param name="IsPaused">Whether dispatching is paused.</param>
internal readonly record struct WindowQuery(int Replicas, IReadOnlyDictionary<string, WindowState> Models, bool IsPaused = false);
