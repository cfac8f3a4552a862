using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace TicketApp.ServiceDefaults;

/// <summary>What a process cannot do without.</summary>
public static class RequiredConnectionStrings
{
    /// <summary>
    /// Ends the process at start, and says what is missing or wrong, where clients would try a server on this
    /// machine for ever, or fail without a name.
    /// </summary>
    /// <param name="builder">The process.</param>
    /// <param name="name">Name of the connection string.</param>
    /// <param name="read">Throws if the connection string cannot be read.</param>
    /// <exception cref="InvalidOperationException">It is not set, or cannot be read.</exception>
    public static void RequireConnectionString(this IHostApplicationBuilder builder, string name, Action<string> read)
    {
        var connectionString = builder.Configuration.GetConnectionString(name);
        if (string.IsNullOrWhiteSpace(connectionString))
        {
            throw new InvalidOperationException($"ConnectionStrings:{name} is not set (environment variable ConnectionStrings__{name}).");
        }

        try
        {
            read(connectionString);
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"ConnectionStrings:{name} cannot be read: {exception.Message}", exception);
        }
    }
}
