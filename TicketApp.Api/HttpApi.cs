using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using TicketApp.Api.Auth;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Facades.OpenAi;
using TicketApp.Api.Facades.Replicate;
using TicketApp.Api.Http;
using TicketApp.Api.Operations;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;
using TicketApp.Api.Waiting;
using TicketApp.Api.Webhooks;

namespace TicketApp.Api;

/// <summary>What all endpoints share: limits, the form of errors, the page.</summary>
internal static class HttpApi
{
    // They need no database.
    private static readonly string[] _ungated = ["/health", "/alive", ApiDescription.Path];

    // One a folder.
    private static readonly JsonSerializerContext[] _contexts =
    [
        ApiJson.Default, AuthJson.Default, DispatchJson.Default, TicketJson.Default,
        WaitingJson.Default, WebhookJson.Default, OpenAiJson.Default, ReplicateJson.Default, OperationsJson.Default,
    ];

    public static void AddHttpApi(this WebApplicationBuilder builder)
    {
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.ExplainMalformedRequests();
            // Who sends or takes bytes more slowly keeps the memory of a large request or answer from others.
            kestrel.Limits.MinRequestBodyDataRate = kestrel.Limits.MinResponseDataRate =
                new(bytesPerSecond: 4096, gracePeriod: TimeSpan.FromSeconds(10));
        });
        builder.Services.AddOptions<KestrelServerOptions>()
            .Configure<IOptions<LimitOptions>>((kestrel, limits) => kestrel.Limits.MaxRequestBodySize = limits.Value.MaxBodyBytes);
        builder.Services
            .AddRequestRules()
            .AddSingleton<CursorSeal>()
            .ConfigureHttpJsonOptions(json =>
            {
                ApiJson.ApplyPolicy(json.SerializerOptions);
                json.SerializerOptions.TypeInfoResolverChain.Insert(0, JsonTypeInfoResolver.Combine(_contexts));
            })
            .AddExceptionHandler<ApiExceptionHandler>()
            .AddProblemDetails();
    }

    public static void UseHttpApi(this WebApplication app)
    {
        app.UseResponseHeaders();
        app.UseExceptionHandler();
        app.UseStatusCodePages(context => Explain(context.HttpContext).ExecuteAsync(context.HttpContext));
        app.UseRequestRules(refuseCrossSite: !app.Services.GetRequiredService<IOptions<AccessOptions>>().Value.RequiresKeys);
        app.UseDefaultFiles();
        app.UseStaticFiles(new StaticFileOptions { OnPrepareResponse = file => ResponseHeaders.AddForPage(file.Context.Response.Headers) });
        app.UseWhen(context => !_ungated.Any(path => context.Request.Path.StartsWithSegments(path)), gated => gated.UseSchemaGate());
    }

    private static IResult Explain(HttpContext context) => context.RequestServices.GetRequiredService<ErrorForms>()
        .Answer(context.Request, ProblemAnswers.OfStatus(context.Response.StatusCode));
}
