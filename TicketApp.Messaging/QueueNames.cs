namespace TicketApp.Messaging;

/// <summary>The queues and exchanges between Api and Worker. Every name is declared here and nowhere else.</summary>
public static class QueueNames
{
    /// <summary>Work for <see cref="ModelNames.Simulated"/>, the original's ML step: one <see cref="TicketMessage"/> a message.</summary>
    public const string Tickets = "tickets";

    /// <summary>What workers report: one <see cref="WorkerReport"/> or a JSON array of them a message.</summary>
    public const string Responses = "responses";

    /// <summary>One <see cref="ErrorMessage"/> for each ticket that failed for good or timed out, and each unreadable message.</summary>
    public const string Errors = "errors";

    /// <summary>
    /// The exchange of what all workers are told: <see cref="CancellationMessage"/>. Each worker has a queue of its own
    /// behind it, for as long as it is connected.
    /// </summary>
    public const string Control = "control";

    /// <summary>
    /// The exchange over which <see cref="Responses"/> and <see cref="Errors"/> are filled, by their names as routing keys. Nothing else is
    /// behind it, so that who may publish here and nowhere else reaches those two alone.
    /// </summary>
    public const string Reports = "reports";

    /// <summary>
    /// The exchange over which replicas of the Api tell each other which tickets they have changed. Workers have no part in it. Each
    /// replica has a queue of its own behind it (<see cref="NewsOf"/>), for as long as it is connected.
    /// </summary>
    public const string News = "news";

    private const string OfModel = $"{Tickets}.";

    /// <summary>The queue of one model's work: no worker gets what it cannot run, and no slow model holds up a quick one.</summary>
    /// <param name="model">Its name.</param>
    public static string TicketsOf(string model) => model == ModelNames.Simulated ? Tickets : $"{OfModel}{model}";

    /// <summary>The queue of one connection to <see cref="News"/>.</summary>
    public static string NewsOf(Guid connection) => $"{News}.{connection:N}";

    /// <summary>The exchange over which a queue is filled: the default one leads to all queues, and no worker may publish there.</summary>
    public static string ExchangeOf(string queue) => queue is Responses or Errors ? Reports : "";

    /// <summary>Whether <paramref name="queue"/> holds the work of one model.</summary>
    public static bool IsOfModel(string queue) => queue == Tickets || queue.StartsWith(OfModel, StringComparison.Ordinal);
}

/// <summary>The models that code speaks of by name. Any other is known by what workers say of it.</summary>
public static class ModelNames
{
    /// <summary>The original system's ML step: waits a random time and answers happy or sad.</summary>
    public const string Simulated = "simulated";

    /// <summary>A classifier that reads the input: happy or sad.</summary>
    public const string Sentiment = "sentiment";
}
