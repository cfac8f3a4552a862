using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;

namespace TicketApp.Api.Auth;

internal static partial class AccessServices
{
    public const string AdminRole = "admin";

    /// <summary>Adds keys. In mode <c>open</c> no call passes through anything of this.</summary>
    public static IHostApplicationBuilder AddAccess(this IHostApplicationBuilder builder)
    {
        var (byDefault, signUp) = builder.Environment.IsDevelopment()
            ? (AccessOptions.Open, AccessOptions.Anyone)
            : (AccessOptions.Keys, AccessOptions.Admin);
        builder.Services
            .AddOptions<AccessOptions>()
            .Configure(options => (options.Mode, options.SignUp) = (byDefault, signUp))
            .BindConfiguration(AccessOptions.SectionName)
            .ValidateOnStart();
        builder.Services
            .AddSingleton<IValidateOptions<AccessOptions>, AccessOptionsValidator>()
            .AddSignUp()
            .AddSingleton<KeyStore>()
            .AddSingleton<KeyReader>()
            .AddHostedService(provider => provider.GetRequiredService<KeyReader>())
            .AddSingleton(provider =>
                provider.GetRequiredService<IOptions<AccessOptions>>().Value.RequiresKeys ? Caller.Unknown : Caller.Unrestricted);

        if ((builder.Configuration[$"{AccessOptions.SectionName}:{nameof(AccessOptions.Mode)}"] ?? byDefault) == AccessOptions.Keys)
        {
            builder.Services
                .AddAuthentication(ApiKeyHandler.SchemeName)
                .AddScheme<AuthenticationSchemeOptions, ApiKeyHandler>(ApiKeyHandler.SchemeName, null);
            // Whatever does not say otherwise wants a key.
            builder.Services.AddAuthorizationBuilder()
                .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
        }

        return builder;
    }

    /// <summary>Checks keys, in mode <c>keys</c>, and the limits of callers in every mode.</summary>
    public static void UseAccess(this WebApplication app)
    {
        var access = app.Services.GetRequiredService<IOptions<AccessOptions>>().Value;
        if (!access.RequiresKeys)
        {
            Log.Open(app.Logger);
            app.UseLimits();
            return;
        }

        Log.Keys(app.Logger, access.SignUp, access.AdminKeys.Count);
        if (access is { HasOpenSignUp: false, AdminKeys.Count: 0 })
        {
            Log.NobodyCreatesUsers(app.Logger);
        }

        app.UseAuthentication();
        // In between: what is refused for its key counts as well.
        app.UseLimits();
        app.UseAuthorization();
    }

    /// <summary>For callers that may create users; where those are strangers, so many at a time.</summary>
    public static TBuilder AllowSignUp<TBuilder>(this TBuilder endpoint, IEndpointRouteBuilder routes)
        where TBuilder : IEndpointConventionBuilder =>
        Options(routes).HasOpenSignUp
            ? endpoint.AllowAnonymous().AddEndpointFilter(routes.ServiceProvider.GetRequiredService<SignUpLimit>())
            : endpoint.RequireAdmin(routes);

    /// <summary>In mode <c>keys</c> only administrators may call this.</summary>
    public static TBuilder RequireAdmin<TBuilder>(this TBuilder endpoint, IEndpointRouteBuilder routes)
        where TBuilder : IEndpointConventionBuilder =>
        Options(routes).RequiresKeys ? endpoint.RequireAuthorization(policy => policy.RequireRole(AdminRole)) : endpoint;

    private static AccessOptions Options(IEndpointRouteBuilder routes) =>
        routes.ServiceProvider.GetRequiredService<IOptions<AccessOptions>>().Value;

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "Everyone may do everything (Auth:Mode=open)")]
        public static partial void Open(ILogger logger);

        [LoggerMessage(EventId = 2, Level = LogLevel.Information,
            Message = "Calls need a key (Auth:Mode=keys, the default outside Development; Auth:Mode=open serves everyone). "
                + "Users are created by: {SignUp}. Admin keys: {AdminKeys}")]
        public static partial void Keys(ILogger logger, string signUp, int adminKeys);

        [LoggerMessage(EventId = 3, Level = LogLevel.Warning,
            Message = "Nobody can create users: set Auth:AdminKeys:0, or Auth:SignUp=anyone")]
        public static partial void NobodyCreatesUsers(ILogger logger);
    }
}
