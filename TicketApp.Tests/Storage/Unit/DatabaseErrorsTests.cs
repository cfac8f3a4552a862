using System.Reflection;
using System.Security.Authentication;
using Microsoft.AspNetCore.Http;
using Npgsql;
using TicketApp.Api.Storage;

namespace TicketApp.Tests.Storage.Unit;

/// <summary>Whose fault a failed statement is.</summary>
public sealed class DatabaseErrorsTests
{
    /// <summary>All that Npgsql knows.</summary>
    public static TheoryData<string> Codes { get; } = [.. typeof(PostgresErrorCodes)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Where(field => field.IsLiteral)
        .Select(field => (string)field.GetRawConstantValue()!)
        .Distinct()];

    [Theory]
    [MemberData(nameof(Codes))]
    public void Only_data_and_constraints_blame_what_was_sent(string code)
    {
        PostgresException exception = new("no", "ERROR", "ERROR", code);

        Assert.Equal(code[..2] is "22" or "23", DatabaseErrors.IsDatas(exception));
        Assert.NotEqual(DatabaseErrors.IsDatas(exception), DatabaseErrors.IsUnavailable(exception));
        var description = DatabaseErrors.Describe(exception);
        Assert.Equal(DatabaseErrors.IsUnavailable(exception), description?.Contains(code, StringComparison.Ordinal) ?? false);
    }

    [Theory]
    [InlineData("25006", "is read-only")]
    [InlineData("28P01", "refuses the login")]
    [InlineData("57014", "cancels statements")]
    [InlineData("57P01", "is stopping or starting")]
    [InlineData("42501", "lacks a privilege")]
    [InlineData("08P01", "cannot be reached through its pooler")]
    [InlineData("53100", "has no room left")]
    public void Operators_are_told_what_the_server_does(string code, string word) =>
        Assert.Contains(word, DatabaseErrors.Describe(new PostgresException("no", "ERROR", "ERROR", code)), StringComparison.Ordinal);

    [Fact]
    public void The_way_to_the_server_is_no_fault_of_the_data()
    {
        Exception[] exceptions =
        [
            new NpgsqlException("Exception while performing SSL handshake", new IOException()),
            new AuthenticationException(),
            new TimeoutException(),
            new IOException(),
        ];

        Assert.All(exceptions, exception => Assert.True(DatabaseErrors.IsUnavailable(exception)));
        Assert.False(DatabaseErrors.IsUnavailable(new InvalidOperationException()));
        // An IOException, too: callers must not be able to have connections made again.
        Assert.False(DatabaseErrors.IsUnavailable(new BadHttpRequestException("too large")));
    }
}
