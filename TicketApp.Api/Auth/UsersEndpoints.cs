using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.DependencyInjection.Extensions;
using TicketApp.Api.Http;

namespace TicketApp.Api.Auth;

internal static class UsersEndpoints
{
    // A stranger's idempotency key is all that a repetition shows.
    private const int MinUnguessable = 32;

    public static IServiceCollection AddUsers(this IServiceCollection services)
    {
        services.TryAddSingleton<CursorSeal>();
        return services
            .AddSingleton<UserCreator>()
            .AddHostedService(provider => provider.GetRequiredService<UserCreator>());
    }

    public static IEndpointRouteBuilder MapUsers(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/user", CreateAsync).AllowSignUp(routes);
        return routes;
    }

    /// <summary>Maps users of the resource API.</summary>
    public static RouteGroupBuilder MapUserResources(this RouteGroupBuilder v1)
    {
        v1.MapPost("/users", CreateResourceAsync).AllowSignUp(v1).Produces<User>(StatusCodes.Status201Created)
            .Describe("createUser", ApiTags.Users, "Create a user", "A body is not needed, and is ignored.")
            .WithHeader(
                IdempotencyHeader.Name,
                "1 to 255 visible ASCII characters, in open sign-up at least 32 random ones. "
                    + "A repetition under the same key gives the same user, with Idempotent-Replayed: true.",
                IdempotencyHeader.MaxKey)
            .WithResponseHeader(DescribedHeaders.IdempotentReplayed)
            .WithProblems(ProblemType.KeyNotEnough, ProblemType.TooLarge);
        return v1;
    }

    private static async Task<Utf8ContentHttpResult> CreateResourceAsync(
        HttpRequest request, HttpResponse response, Caller caller, UserCreator users, CancellationToken cancellationToken)
    {
        await request.CopyBodyToAsync(Stream.Null, cancellationToken);
        var (repeat, problem) = IdempotencyHeader.Read(request.Headers[IdempotencyHeader.Name]);
        if (repeat is { Length: < MinUnguessable } && !caller.MayActForAll)
        {
            problem = ProblemType.InvalidRequest.With(
                $"The header {IdempotencyHeader.Name} must have at least {MinUnguessable} random characters here, such as a UUID: "
                    + "anyone who repeats it gets the user's key.");
        }

        if (problem is not null)
        {
            return problem.ToResult();
        }

        // An administrator's key is in no database: who reads that and guesses the other one still finds no user's key.
        var ((id, key), isReplayed) = await users.CreateAsync(caller, repeat is null ? null : $"{request.Headers.Authorization}\n{repeat}");
        if (isReplayed)
        {
            response.Headers[DescribedHeaders.IdempotentReplayed] = "true";
        }

        return ApiJson.Created(new User(id, key, new($"{ResourceApi.Prefix}/tickets?user_id={id}")), AuthJson.Default.User);
    }

    private static async Task<Utf8ContentHttpResult> CreateAsync(
        HttpRequest request, Caller caller, UserCreator users, CancellationToken cancellationToken)
    {
        // Its content is ignored; reading it applies the size limit to it.
        await request.CopyBodyToAsync(Stream.Null, cancellationToken);
        return ApiJson.Ok((await users.CreateAsync(caller)).User, AuthJson.Default.UserCreated);
    }
}

/// <summary>The answer to <c>POST /user</c>.</summary>
/// <param name="UserId">The new user's id.</param>
/// <param name="ApiKey">The user's key, told here and never again; null where none is wanted.</param>
public sealed record UserCreated(Guid UserId, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? ApiKey);

/// <summary>A user as the resource API shows it.</summary>
/// <param name="Id">The user's id.</param>
/// <param name="ApiKey">The user's key, told here and never again; absent where none is wanted.</param>
/// <param name="Urls">Where to go from here.</param>
public sealed record User(
    Guid Id,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull), RegularExpression(ApiKey.Pattern)] string? ApiKey,
    UserUrls Urls);

/// <summary>Where to go from a user.</summary>
/// <param name="Tickets">The user's tickets, newest first.</param>
public sealed record UserUrls([property: SchemaFormat("uri-reference")] string Tickets);

/// <summary>The compiled serializers of this folder.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(UserCreated))]
[JsonSerializable(typeof(User))]
[JsonSerializable(typeof(NewKey))]
[JsonSerializable(typeof(KeyList))]
internal sealed partial class AuthJson : JsonSerializerContext;
