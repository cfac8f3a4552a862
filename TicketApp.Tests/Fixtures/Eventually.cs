namespace TicketApp.Tests.Fixtures;

/// <summary>Waits for what another process does: polls, and fails when the deadline has passed.</summary>
internal static class Eventually
{
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(50);

    /// <summary>The first value that is not null.</summary>
    public static async Task<T> GetAsync<T>(string what, TimeSpan within, Func<Task<T?>> probe)
        where T : class =>
        await LastAsync(within, probe, value => value is not null)
        ?? throw new TimeoutException($"{what}: not within {within.TotalSeconds:0} s.");

    /// <summary>The first value that is as wanted; the last one where none is, which the caller judges and can show.</summary>
    public static async Task<T?> LastAsync<T>(TimeSpan within, Func<Task<T?>> probe, Func<T?, bool> isWanted)
        where T : class
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(within);
        using var timer = new PeriodicTimer(_interval);
        T? last = null;
        try
        {
            while (!isWanted(last = await probe()))
            {
                await timer.WaitForNextTickAsync(deadline.Token);
            }
        }
        catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            // The time is over.
        }

        return last;
    }

    public static Task IsTrueAsync(string what, TimeSpan within, Func<bool> probe) =>
        IsTrueAsync(what, within, () => Task.FromResult(probe()));

    public static Task IsTrueAsync(string what, TimeSpan within, Func<Task<bool>> probe) =>
        GetAsync<object>(what, within, async () => await probe() ? new object() : null);
}
