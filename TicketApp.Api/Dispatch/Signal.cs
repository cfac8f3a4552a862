namespace TicketApp.Api.Dispatch;

/// <summary>Wakes one loop. Set while the loop is busy, it wakes it once when it next waits; set often, it is still set once.</summary>
internal sealed class Signal : IDisposable
{
    private readonly SemaphoreSlim _set = new(0, 1);

    public void Set()
    {
        try
        {
            _set.Release();
        }
        catch (SemaphoreFullException)
        {
            // It is set already.
        }
    }

    /// <summary>Returns when it is set, or after <paramref name="limit"/>.</summary>
    public Task WaitAsync(TimeSpan limit, CancellationToken cancellationToken) => _set.WaitAsync(limit, cancellationToken);

    public void Dispose() => _set.Dispose();
}
