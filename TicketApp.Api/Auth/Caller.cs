using System.Reflection;

namespace TicketApp.Api.Auth;

/// <summary>Who calls. Endpoints take it as a parameter, and answer as if what the caller may not see were not there.</summary>
/// <param name="UserId">The user whose key was sent.</param>
/// <param name="MayActForAll">Whether the caller may act for every user: in mode <c>open</c>, or with an admin key.</param>
internal sealed record Caller(Guid? UserId, bool MayActForAll) : IBindableFromHttpContext<Caller>
{
    /// <summary>Everyone, in mode <c>open</c>, and who has an admin key.</summary>
    public static Caller Unrestricted { get; } = new(null, MayActForAll: true);

    /// <summary>Who has sent no key where one is wanted.</summary>
    public static Caller Unknown { get; } = new(null, MayActForAll: false);

    public static ValueTask<Caller?> BindAsync(HttpContext context, ParameterInfo parameter) => new(Of(context));

    /// <summary>Who makes this call.</summary>
    public static Caller Of(HttpContext context)
    {
        var byDefault = context.RequestServices.GetRequiredService<Caller>();
        return byDefault.MayActForAll ? byDefault : context.Features.Get<Caller>() ?? byDefault;
    }

    /// <summary>Whether the caller may see and change what belongs to that user.</summary>
    public bool MayActFor(Guid userId) => MayActForAll || UserId == userId;
}
