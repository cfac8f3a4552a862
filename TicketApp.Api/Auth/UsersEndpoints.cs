using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using TicketApp.Api.Http;

namespace TicketApp.Api.Auth;

internal static class UsersEndpoints
{
    public static IServiceCollection AddUsers(this IServiceCollection services) =>
        services
            .AddSingleton<UserCreator>()
            .AddHostedService(provider => provider.GetRequiredService<UserCreator>());

    public static IEndpointRouteBuilder MapUsers(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/user", CreateAsync).AllowSignUp(routes);
        return routes;
    }

    /// <summary>Maps users of the resource API.</summary>
    public static RouteGroupBuilder MapUserResources(this RouteGroupBuilder v1)
    {
        v1.MapPost("/users", CreateResourceAsync).AllowSignUp(v1).Produces<User>(StatusCodes.Status201Created)
            .WithSummary("Create a user").WithProblems(ProblemType.KeyNotEnough, ProblemType.TooManyRequests);
        return v1;
    }

    private static async Task<Utf8ContentHttpResult> CreateResourceAsync(
        HttpRequest request, Caller caller, UserCreator users, CancellationToken cancellationToken)
    {
        await request.Body.CopyToAsync(Stream.Null, cancellationToken);
        var (id, key) = await users.CreateAsync(caller);
        return ApiJson.Created(new User(id, key, new($"{ResourceApi.Prefix}/tickets?user_id={id}")), AuthJson.Default.User);
    }

    private static async Task<Utf8ContentHttpResult> CreateAsync(
        HttpRequest request, Caller caller, UserCreator users, CancellationToken cancellationToken)
    {
        // Its content is ignored; reading it applies the size limit to it.
        await request.Body.CopyToAsync(Stream.Null, cancellationToken);
        return ApiJson.Ok(await users.CreateAsync(caller), AuthJson.Default.UserCreated);
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
public sealed record User(Guid Id, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? ApiKey, UserUrls Urls);

/// <summary>Where to go from a user.</summary>
/// <param name="Tickets">The user's tickets, newest first.</param>
public sealed record UserUrls(string Tickets);

/// <summary>The compiled serializers of this folder.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(UserCreated))]
[JsonSerializable(typeof(User))]
[JsonSerializable(typeof(NewKey))]
[JsonSerializable(typeof(KeyList))]
internal sealed partial class AuthJson : JsonSerializerContext;
