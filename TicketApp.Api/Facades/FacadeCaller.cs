using System.Reflection;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using TicketApp.Api.Auth;
using TicketApp.Api.Http;

namespace TicketApp.Api.Facades;

/// <summary>
/// The user on whose behalf a façade is called: whose key was sent. Where calls need no keys, the user's id takes the place of the key,
/// because the clients of other APIs send nothing else that could name a user.
/// </summary>
/// <param name="User">May act for that user alone, also where the same call of the resource API might act for all.</param>
internal sealed record FacadeCaller(Caller User) : IBindableFromHttpContext<FacadeCaller>
{
    private const string Bearer = "Bearer ";

    /// <summary>Whose tickets the façade makes and shows.</summary>
    public Guid UserId => User.UserId ?? Guid.Empty;

    public static ValueTask<FacadeCaller?> BindAsync(HttpContext context, ParameterInfo parameter) =>
        new(new FacadeCaller(Find(context) ?? Caller.Unknown));

    /// <summary>The endpoint filter of a façade: who names no user gets 401, in the façade's form.</summary>
    public static async ValueTask<object?> RequireAsync(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next) =>
        Find(invocation.HttpContext) is null ? Refuse(invocation.HttpContext) : await next(invocation);

    /// <summary>Says which key is wanted: 401, in the façade's form. Also for a user who turns out not to exist.</summary>
    public static IResult Refuse(HttpContext context)
    {
        context.Response.Headers[HeaderNames.WWWAuthenticate] = ApiKeyHandler.SchemeName;
        return context.RequestServices.GetRequiredService<ErrorForms>().Answer(context.Request, ProblemType.KeyRequired.With(
            RequiresKeys(context)
                ? "Use the key of a user. An administrator's key has no tickets of its own."
                : "The key must be the id of a user, as POST /v1/users gives it: this service asks for no other keys (Auth:Mode=open)."));
    }

    private static Caller? Find(HttpContext context)
    {
        if (RequiresKeys(context))
        {
            return Caller.Of(context) is { UserId: not null } user ? user : null;
        }

        return context.Request.Headers.Authorization is [{ } header]
            && header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)
            && Guid.TryParseExact(header[Bearer.Length..].Trim(), "D", out var userId)
                ? new(userId, MayActForAll: false)
                : null;
    }

    private static bool RequiresKeys(HttpContext context) =>
        context.RequestServices.GetRequiredService<IOptions<AccessOptions>>().Value.RequiresKeys;
}
