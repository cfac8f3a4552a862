using Azure.Core;
using Npgsql;
using TicketApp.Api.Storage;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Storage.Unit;

/// <summary>Tokens of Microsoft Entra ID in place of a password, from a credential that needs no identity.</summary>
public sealed class EntraSignInTests
{
    private const string Server = "Host=127.0.0.1;Port=1;Username=api;Database=tickets;Timeout=1";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_connection_string_without_a_password_gets_tokens_for_PostgreSQL()
    {
        var credential = new FakeCredential("token");
        await using var database = Build(Server, credential);

        Assert.Equal("https://ossrdbms-aad.database.windows.net/.default", await credential.Scope.WaitAsync(Cancel));
        // Nobody listens there; the password is no obstacle.
        var error = await Assert.ThrowsAsync<NpgsqlException>(async () => await database.OpenConnectionAsync(Cancel));
        Assert.Contains("Failed to connect", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_password_that_is_there_counts()
    {
        var credential = new FakeCredential("token");
        await using var database = Build($"{Server};Password=p", credential);

        await Assert.ThrowsAsync<NpgsqlException>(async () => await database.OpenConnectionAsync(Cancel));
        Assert.False(credential.Scope.IsCompleted);
    }

    /// <summary>PostgreSQL is shown the token itself, unlike a password.</summary>
    [Theory]
    [InlineData("SSL Mode=VerifyFull", true)]
    [InlineData("Password=p", true)]
    [InlineData("SSL Mode=VerifyCA", false)]
    [InlineData("SSL Mode=Require", false)]
    [InlineData("", false)]
    public void Only_a_server_that_proves_its_name_gets_a_token(string rest, bool isFit)
    {
        var error = Record.Exception(() => EntraSignIn.RequireVerifiedServer($"{Server};{rest}"));

        Assert.Equal(isFit, error is null);
    }

    private static NpgsqlDataSource Build(string connectionString, TokenCredential credential)
    {
        NpgsqlDataSourceBuilder builder = new(connectionString);
        builder.UseTokens(credential);
        return builder.Build();
    }
}
