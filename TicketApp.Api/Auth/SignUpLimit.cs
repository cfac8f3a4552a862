using System.Globalization;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;

namespace TicketApp.Api.Auth;

/// <summary>
/// Bounds open sign-up, for each address and in all: what users may ask for protects nothing where users cost nothing. Administrators
/// create as many as they like.
/// </summary>
internal sealed class SignUpLimit(IOptions<LimitOptions> options) : IEndpointFilter, IDisposable
{
    private static readonly TimeSpan _window = TimeSpan.FromMinutes(1);

    // The address first: what it is refused takes nothing from the others.
    private readonly PartitionedRateLimiter<HttpContext> _limiter = PartitionedRateLimiter.CreateChained(
        Create(options.Value.SignUpsPerMinutePerAddress, RequestLimit.KeyOfAddress),
        Create(options.Value.SignUpsPerMinute, static _ => Guid.Empty));

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        if (Caller.Of(context.HttpContext).MayActForAll)
        {
            return await next(context);
        }

        using var lease = _limiter.AttemptAcquire(context.HttpContext);
        if (lease.IsAcquired)
        {
            return await next(context);
        }

        var wait = lease.TryGetMetadata(MetadataName.RetryAfter, out var left) ? left : _window;
        context.HttpContext.Response.Headers.RetryAfter =
            Math.Max(1, Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        return TypedResults.StatusCode(StatusCodes.Status429TooManyRequests);
    }

    public void Dispose() => _limiter.Dispose();

    private static PartitionedRateLimiter<HttpContext> Create(int perMinute, Func<HttpContext, Guid> keyOf)
    {
        FixedWindowRateLimiterOptions window = new()
        {
            PermitLimit = perMinute,
            Window = _window,
            QueueLimit = 0,
            AutoReplenishment = false,
        };
        return PartitionedRateLimiter.Create<HttpContext, Guid>(context => perMinute == 0
            ? RateLimitPartition.GetNoLimiter(Guid.Empty)
            : RateLimitPartition.GetFixedWindowLimiter(keyOf(context), _ => window));
    }
}
