using System.Reflection;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace TicketApp.Api.Auth;

/// <summary>Reads <c>Authorization: Bearer</c> (RFC 6750): a user's key or an administrator's.</summary>
internal sealed class ApiKeyHandler(
    KeyReader keys,
    RequestLimit limit,
    IOptions<AccessOptions> access,
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory logger,
    UrlEncoder encoder)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string SchemeName = "Bearer";
    private const string Start = SchemeName + " ";

    private readonly byte[][] _adminHashes = [.. access.Value.AdminKeys.Select(Hash)];

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (Request.Headers.Authorization is not [{ } header] || !header.StartsWith(Start, StringComparison.OrdinalIgnoreCase))
        {
            return AuthenticateResult.NoResult();
        }

        var text = header[Start.Length..].Trim();
        var caller = IsAdmin(text) ? Caller.Unrestricted
            : ApiKey.TryParse(text, out var key) && MayBeLookedUp(key) && await keys.FindAsync(key) is { } userId
                ? new Caller(userId, MayActForAll: false) { Key = key }
            : null;
        if (caller is null)
        {
            return AuthenticateResult.Fail("No such key.");
        }

        Context.Features.Set(caller);
        ClaimsIdentity identity = new(SchemeName);
        identity.AddClaim(
            caller.UserId is { } id
                ? new(ClaimTypes.NameIdentifier, id.ToString())
                : new(ClaimTypes.Role, AccessServices.AdminRole));
        return AuthenticateResult.Success(new(new ClaimsPrincipal(identity), SchemeName));
    }

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        var sentOne = (await HandleAuthenticateOnceSafeAsync()).Failure is not null;
        Response.Headers[HeaderNames.WWWAuthenticate] = sentOne ? "Bearer error=\"invalid_token\"" : SchemeName;
        Response.StatusCode = StatusCodes.Status401Unauthorized;
    }

    // Others behind the same address, whose keys are known to be good, are not held up by one who guesses.
    private bool MayBeLookedUp(ApiKey key) => keys.IsKnown(key) || limit.MayLookUpKey(Context);

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));

    /// <summary>Compares with every admin key, in the same time whichever it is.</summary>
    private bool IsAdmin(string text)
    {
        var hash = Hash(text);
        var found = false;
        foreach (var admin in _adminHashes)
        {
            found |= CryptographicOperations.FixedTimeEquals(admin, hash);
        }

        return found;
    }
}

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

    /// <summary>The key that was sent; null if none was, and for an administrator's, which is good for as long as the process.</summary>
    public ApiKey? Key { get; init; }

    /// <summary>Who makes this call.</summary>
    public static Caller Of(HttpContext context)
    {
        var byDefault = context.RequestServices.GetRequiredService<Caller>();
        return byDefault.MayActForAll ? byDefault : context.Features.Get<Caller>() ?? byDefault;
    }

    /// <summary>Whether the caller may see and change what belongs to that user.</summary>
    public bool MayActFor(Guid userId) => MayActForAll || UserId == userId;
}
