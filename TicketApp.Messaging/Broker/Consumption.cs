namespace TicketApp.Messaging.Broker;

/// <summary>A queue that a <see cref="BrokerConsumer"/> takes messages from.</summary>
/// <param name="Queue">One of <see cref="QueueNames"/>.</param>
/// <param name="Prefetch">How many of its messages may be unacknowledged at once.</param>
/// <param name="HasCapacity">Whether a further message would be delivered now: false while all of the prefetch are in progress.</param>
/// <param name="Ready">Nothing is taken before this ends.</param>
public sealed record Consumption(string Queue, ushort Prefetch, Func<bool> HasCapacity, Task Ready);
