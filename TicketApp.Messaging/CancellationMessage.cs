namespace TicketApp.Messaging;

/// <summary>
/// Tells all workers to stop runs, and not to begin them: the body of a message in the exchange
/// <see cref="QueueNames.Control"/>. Any may be lost, and all are repeated.
/// </summary>
public sealed record CancellationMessage
{
    /// <summary>The runs that are not wanted.</summary>
    public required IReadOnlyList<RunReference> Runs { get; init; }

    /// <summary>For how many seconds to remember them: as long as a message that was dispatched before may still come.</summary>
    public int RememberSeconds { get; init; }

    /// <summary>Schemas that workers announced and the API does not use; said again about once a minute. Null: there are none.</summary>
    public IReadOnlyList<UnusedSchema>? UnusedSchemas { get; init; }
}

/// <summary>A schema of a model's input that cannot be used: inputs are not checked against it.</summary>
/// <param name="Model">The model.</param>
/// <param name="InputSchemaId">The id that came with it, see <see cref="ModelOffer.InputSchemaId"/>.</param>
/// <param name="Reason">Why, in a line for people.</param>
public sealed record UnusedSchema(string Model, string InputSchemaId, string Reason);
