using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using TicketApp.Api.Access;

namespace TicketApp.Api.Users;

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

    private static async Task<Utf8ContentHttpResult> CreateAsync(HttpRequest request, UserCreator users, CancellationToken cancellationToken)
    {
        // Its content is ignored; reading it applies the size limit to it.
        await request.Body.CopyToAsync(Stream.Null, cancellationToken);
        return ApiJson.Ok(await users.CreateAsync(), ApiJson.Default.UserCreated);
    }
}

/// <summary>The answer to <c>POST /user</c>.</summary>
/// <param name="UserId">The new user's id.</param>
/// <param name="ApiKey">The user's key, told here and never again; null where none is wanted.</param>
public sealed record UserCreated(Guid UserId, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? ApiKey);
