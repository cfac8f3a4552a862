using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace TicketApp.ServiceDefaults;

/// <summary>What a process cannot do without.</summary>
public static class RequiredConnectionStrings
{
    /// <summary>Ends the process at start, and says what is missing, where clients would try a server on this machine for ever.</summary>
    /// <param name="builder">The process.</param>
    /// <param name="name">Name of the connection string.</param>
    /// <exception cref="InvalidOperationException">It is not set.</exception>
    public static void RequireConnectionString(this IHostApplicationBuilder builder, string name)
    {
        if (string.IsNullOrWhiteSpace(builder.Configuration.GetConnectionString(name)))
        {
            throw new InvalidOperationException($"ConnectionStrings:{name} is not set (environment variable ConnectionStrings__{name}).");
        }
    }
}
