namespace TicketApp.Api.Storage;

/// <summary>A ticket as it was read.</summary>
/// <param name="TicketId">Its id.</param>
/// <param name="UserId">Whose it is.</param>
/// <param name="Status">Where it was.</param>
/// <param name="Response">Its response, if it succeeded.</param>
/// <param name="Age">Since its creation, on the database's clock.</param>
internal sealed record TicketSummary(Guid TicketId, Guid UserId, TicketStatus Status, string? Response, TimeSpan Age)
{
    /// <summary>As <see cref="TicketRecord.Bytes"/>.</summary>
    public long Bytes => 4L * (Response?.Length ?? 0);
}
