using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace TicketApp.Tests.Fixtures;

/// <summary>
/// A reverse proxy before the replicas, as an ingress controller is one: it asks each in turn. It tries nothing a second time, so that
/// whatever a replica refuses is seen.
/// </summary>
internal sealed class Gateway : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpMessageInvoker _replicas = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false });
    private volatile int[] _ports = [];
    private int _next;

    private Gateway(WebApplication app) => _app = app;

    public Uri Address => new(_app.Urls.Single());

    public static async Task<Gateway> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        Gateway gateway = new(builder.Build());
        gateway._app.Urls.Add("http://127.0.0.1:0");
        gateway._app.Run(gateway.ForwardAsync);
        await gateway._app.StartAsync();
        return gateway;
    }

    public void Add(int port) => _ports = [.. _ports, port];

    public void Remove(int port) => _ports = [.. _ports.Where(other => other != port)];

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _replicas.Dispose();
    }

    private async Task ForwardAsync(HttpContext context)
    {
        var ports = _ports;
        var port = ports[(int)((uint)Interlocked.Increment(ref _next) % (uint)ports.Length)];
        var target = string.Create(
            CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}{context.Request.Path}{context.Request.QueryString}");
        using HttpRequestMessage request = new(new HttpMethod(context.Request.Method), target);
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true })
        {
            request.Content = new StreamContent(context.Request.Body);
            request.Content.Headers.TryAddWithoutValidation("Content-Type", context.Request.ContentType);
        }

        foreach (var name in (string[])["Authorization", "Prefer"])
        {
            request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)context.Request.Headers[name]);
        }

        try
        {
            using var answer = await _replicas.SendAsync(request, context.RequestAborted);
            context.Response.StatusCode = (int)answer.StatusCode;
            context.Response.ContentType = answer.Content.Headers.ContentType?.ToString();
            await answer.Content.CopyToAsync(context.Response.Body, context.RequestAborted);
        }
        catch (HttpRequestException e)
        {
            context.Response.StatusCode = StatusCodes.Status502BadGateway;
            await context.Response.WriteAsync(e.Message, context.RequestAborted);
        }
    }
}
