using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using TicketApp.Api.Http;

namespace TicketApp.Api.Auth;

/// <summary>A user's keys: a further one to change over to, a list, and the end of one.</summary>
internal static class KeysEndpoints
{
    public static RouteGroupBuilder MapKeys(this RouteGroupBuilder v1)
    {
        var keys = v1.MapGroup("/users/{id}/keys").AddEndpointFilter(RefuseWithoutKeysAsync);
        keys.MapPost("", CreateAsync).Produces<NewKey>(StatusCodes.Status201Created)
            .Describe(
                "createKey", ApiTags.Keys, "Make a further key, to change over to", "Up to 10 at once. It is told in this answer alone.")
            .WithProblems(ProblemType.UserNotFound, ProblemType.TooManyKeys, ProblemType.KeysNotUsed);
        keys.MapGet("", ListAsync).Produces<KeyList>()
            .Describe("listKeys", ApiTags.Keys, "List a user's keys", "Good ones first, then the youngest; with what was revoked.")
            .WithProblems(ProblemType.UserNotFound, ProblemType.KeysNotUsed);
        keys.MapDelete("/{prefix}", RevokeAsync).Produces(StatusCodes.Status204NoContent)
            .Describe("revokeKey", ApiTags.Keys, "Revoke a key for good", "It is refused everywhere within seconds. Repeating is harmless.")
            .WithProblems(ProblemType.KeyNotFound, ProblemType.KeysNotUsed);
        return v1;
    }

    /// <summary>Where no call needs a key, anybody could make one for anybody, and use it once keys are wanted.</summary>
    private static async ValueTask<object?> RefuseWithoutKeysAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next) =>
        context.HttpContext.RequestServices.GetRequiredService<IOptions<AccessOptions>>().Value.RequiresKeys
            ? await next(context)
            : ProblemType.KeysNotUsed.With().ToResult();

    private static async Task<Utf8ContentHttpResult> CreateAsync(
        string id, Caller caller, KeyStore keys, CancellationToken cancellationToken)
    {
        if (Owner(id, caller) is not { } userId)
        {
            return UserNotFound();
        }

        var (key, text) = ApiKey.Create();
        return await keys.CreateAsync(userId, key, cancellationToken) switch
        {
            KeyCreation.Created => ApiJson.Created(new NewKey(key.Prefix, text), AuthJson.Default.NewKey),
            KeyCreation.TooMany =>
                ProblemType.TooManyKeys.With($"Revoke one of the {KeyStore.MaxActive} keys of this user first.").ToResult(),
            _ => UserNotFound(),
        };
    }

    private static async Task<Utf8ContentHttpResult> ListAsync(
        string id, Caller caller, KeyStore keys, CancellationToken cancellationToken) =>
        Owner(id, caller) is { } userId
            ? ApiJson.Ok(new KeyList(await keys.ListAsync(userId, cancellationToken)), AuthJson.Default.KeyList)
            : UserNotFound();

    private static async Task<IResult> RevokeAsync(
        string id, string prefix, Caller caller, KeyStore keys, KeyReader reader, CancellationToken cancellationToken)
    {
        if (Owner(id, caller) is not { } userId || !await keys.RevokeAsync(userId, prefix, cancellationToken))
        {
            return ProblemType.KeyNotFound.With().ToResult();
        }

        reader.Forget(prefix);
        return TypedResults.NoContent();
    }

    private static Guid? Owner(string id, Caller caller) =>
        Guid.TryParseExact(id, "D", out var userId) && caller.MayActFor(userId) ? userId : null;

    private static Utf8ContentHttpResult UserNotFound() => ProblemType.UserNotFound.With("Check the id.").ToResult();
}

/// <summary>A key that was just made.</summary>
/// <param name="Prefix">Its name in lists, and what it is revoked by.</param>
/// <param name="ApiKey">The key, told here and never again.</param>
public sealed record NewKey(
    [property: RegularExpression(ApiKey.PrefixPattern)] string Prefix, [property: RegularExpression(ApiKey.Pattern)] string ApiKey);

/// <summary>A user's keys.</summary>
/// <param name="Results">Good ones first, then the youngest.</param>
public sealed record KeyList(IReadOnlyList<KeyEntry> Results);
