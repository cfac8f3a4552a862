using Azure.Core;

namespace TicketApp.Tests.Fixtures;

/// <summary>A credential of Microsoft Entra ID that needs no identity: it gives this token, or fails.</summary>
internal sealed class FakeCredential(string token, Exception? failure = null) : TokenCredential
{
    private readonly TaskCompletionSource<string> _scope = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What the first token was asked for.</summary>
    public Task<string> Scope => _scope.Task;

    public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken)
    {
        _scope.TrySetResult(Assert.Single(requestContext.Scopes));
        return failure is null ? new(token, DateTimeOffset.UtcNow.AddHours(1)) : throw failure;
    }

    public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken) =>
        new(GetToken(requestContext, cancellationToken));
}
