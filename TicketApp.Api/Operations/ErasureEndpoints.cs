using Microsoft.AspNetCore.Http.HttpResults;
using TicketApp.Api.Auth;
using TicketApp.Api.Http;
using TicketApp.Messaging.Broker;

namespace TicketApp.Api.Operations;

/// <summary>The end of a user, with all that belongs to it.</summary>
internal static class ErasureEndpoints
{
    public static IServiceCollection AddErasure(this IServiceCollection services) =>
        services
            .AddSingleton<ErasureStore>()
            .AddSingleton<QueueEraser>()
            .AddHostedService<Eraser>()
            .AddHostedService<ErasureCompletion>();

    public static RouteGroupBuilder MapErasure(this RouteGroupBuilder v1)
    {
        v1.MapDelete("/users/{id}", BeginAsync).Produces<Erasure>().Produces<Erasure>(StatusCodes.Status202Accepted)
            .Describe(
                "eraseUser", ApiTags.Users, "Erase a user, with all that belongs to it",
                "202: its keys are revoked and nothing is taken for it any more; the rest is removed within a minute, or longer for "
                    + "many thousands of tickets. Location shows how far that is, and needs no key. "
                    + "200: it is done. Repeating is harmless.")
            .WithResponseHeader(DescribedHeaders.Location)
            .WithProblems(ProblemType.UserNotFound);
        // The user has no key left, and the id is random.
        v1.MapGet("/erasures/{id}", FindAsync).Produces<Erasure>().WithoutKey()
            .Describe("getErasure", ApiTags.Users, "Get how far the erasure of a user is", "Anyone who has the id may ask.")
            .WithProblems(ProblemType.ErasureNotFound);
        return v1;
    }

    private static async Task<Utf8ContentHttpResult> BeginAsync(
        string id, HttpResponse response, Caller caller, ErasureStore store, KeyReader keys, CancellationToken cancellationToken)
    {
        if (!Guid.TryParseExact(id, "D", out var userId) || !caller.MayActFor(userId)
            || await store.BeginAsync(userId, cancellationToken) is not var (erasure, revoked))
        {
            return ProblemType.UserNotFound.With("Check the id.").ToResult();
        }

        foreach (var prefix in revoked)
        {
            keys.Forget(prefix);
        }

        response.Headers.Location = $"{ResourceApi.Prefix}/erasures/{erasure.Id}";
        return ApiJson.WithStatus(
            erasure.CompletedAt is null ? StatusCodes.Status202Accepted : StatusCodes.Status200OK,
            erasure,
            OperationsJson.Default.Erasure);
    }

    private static async Task<Utf8ContentHttpResult> FindAsync(string id, ErasureStore store, CancellationToken cancellationToken) =>
        Guid.TryParseExact(id, "D", out var erasureId) && await store.FindAsync(erasureId, cancellationToken) is { } erasure
            ? ApiJson.Ok(erasure, OperationsJson.Default.Erasure)
            : ProblemType.ErasureNotFound.With().ToResult();
}
