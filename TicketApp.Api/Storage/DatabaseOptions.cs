using System.ComponentModel.DataAnnotations;
using Azure.Core;
using Microsoft.Extensions.Options;
using Npgsql;

namespace TicketApp.Api.Storage;

/// <summary>How the API signs in to PostgreSQL, from the section <c>Database</c>.</summary>
public sealed class DatabaseOptions
{
    public const string SectionName = "Database";
    public const string Password = "password";
    public const string Entra = "entra";

    /// <summary>
    /// How the API signs in to PostgreSQL. <c>password</c>: as the connection strings say; <c>entra</c>: a connection string without a
    /// password gets tokens of the API's identity at Microsoft Entra ID. Default: <c>password</c>.
    /// </summary>
    [Required, AllowedValues(Password, Entra, ErrorMessage = "Database:SignIn must be password or entra.")]
    public string SignIn { get; set; } = Password;
}

[OptionsValidator]
internal sealed partial class DatabaseOptionsValidator : IValidateOptions<DatabaseOptions>;

/// <summary>
/// Tokens of an identity at Microsoft Entra ID in place of a password: nothing to store, and nothing that is worth stealing for long.
/// </summary>
internal static class EntraSignIn
{
    private static readonly TokenRequestContext _postgres = new(["https://ossrdbms-aad.database.windows.net/.default"]);

    // The credential answers from its memory while a token has five minutes left, so what is asked for more often than that never expires.
    private static readonly TimeSpan _refreshInterval = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan _retryInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(30);

    /// <summary>Has connections sign in with tokens, unless there is a password.</summary>
    public static void UseTokens(this NpgsqlDataSourceBuilder source, TokenCredential credential)
    {
        if (string.IsNullOrEmpty(source.ConnectionStringBuilder.Password))
        {
            source.UsePeriodicPasswordProvider(
                async (_, cancellationToken) => await TokenAsync(credential, cancellationToken), _refreshInterval, _retryInterval);
        }
    }

    /// <summary>The server is shown the token itself, so it must be the right one.</summary>
    /// <exception cref="ArgumentException">The server's certificate and name are not verified.</exception>
    public static void RequireVerifiedServer(string connectionString)
    {
        NpgsqlConnectionStringBuilder connection = new(connectionString);
        if (string.IsNullOrEmpty(connection.Password) && connection.SslMode != SslMode.VerifyFull)
        {
            throw new ArgumentException("With Database:SignIn=entra it has a password or SSL Mode=VerifyFull.");
        }
    }

    private static async Task<string> TokenAsync(TokenCredential credential, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_timeout);
        return (await credential.GetTokenAsync(_postgres, limit.Token)).Token;
    }
}
