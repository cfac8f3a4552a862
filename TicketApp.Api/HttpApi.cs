using TicketApp.Api.Database;

namespace TicketApp.Api;

/// <summary>What all endpoints share: limits, the form of errors, the page.</summary>
internal static class HttpApi
{
    private const int LargestBody = 64 * 1024;

    public static void AddHttpApi(this WebApplicationBuilder builder)
    {
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = LargestBody;
        });
        builder.Services
            .ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, ApiJson.Default))
            .AddExceptionHandler<ApiExceptionHandler>()
            .AddProblemDetails();
    }

    public static void UseHttpApi(this WebApplication app)
    {
        app.UseExceptionHandler();
        app.UseStatusCodePages(context => ApiJson.WithMessage(context.HttpContext.Response.StatusCode, context.HttpContext.Response.StatusCode switch
        {
            StatusCodes.Status404NotFound => "Not found",
            StatusCodes.Status405MethodNotAllowed => "Method not allowed",
            _ => "Bad request",
        }).ExecuteAsync(context.HttpContext));
        app.UseFileServer();
        app.UseWhen(context => !context.Request.Path.StartsWithSegments("/health") && !context.Request.Path.StartsWithSegments("/alive"), gated => gated.UseSchemaGate());
    }
}
