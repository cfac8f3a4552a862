using Microsoft.AspNetCore.Http.HttpResults;

namespace TicketApp.Api.Users;

internal static class UsersEndpoints
{
    public static IServiceCollection AddUsers(this IServiceCollection services) =>
        services
            .AddSingleton<UserCreator>()
            .AddHostedService(provider => provider.GetRequiredService<UserCreator>());

    public static IEndpointRouteBuilder MapUsers(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/user", CreateAsync);
        return routes;
    }

    private static async Task<Utf8ContentHttpResult> CreateAsync(HttpRequest request, UserCreator users, CancellationToken cancellationToken)
    {
        // Its content is ignored; reading it applies the size limit to it.
        await request.Body.CopyToAsync(Stream.Null, cancellationToken);
        var id = await users.SubmitAsync(Guid.CreateVersion7());
        return ApiJson.Ok(new UserCreated(id), ApiJson.Default.UserCreated);
    }
}

/// <summary>The answer to <c>POST /user</c>.</summary>
/// <param name="UserId">The new user's id.</param>
public sealed record UserCreated(Guid UserId);
