using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using TicketApp.Bench.Processes;

namespace TicketApp.Bench.Limits;

/// <summary>A Kestrel that does nothing but answer a small JSON body: what HTTP itself costs here. Runs in a process of its own.</summary>
internal static class EmptyServer
{
    /// <summary>The hidden command by which this program starts itself as that server.</summary>
    public const string CommandName = "empty-server";

    private static readonly byte[] _body = """{"ticket_response":"Happy message"}"""u8.ToArray();

    public static async Task RunAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        var app = builder.Build();
        app.MapGet("/", AnswerAsync);
        app.MapPost("/", async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
            await AnswerAsync(context);
        });
        // OTLP over HTTP: an empty answer says that all was taken.
        app.MapPost("/v1/{signal}", async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
            context.Response.ContentType = "application/x-protobuf";
        });
        await ((IHost)app).RunAsync(cancellationToken);
    }

    public static async Task<(ChildProcess Process, Uri Address)> StartAsync(CancellationToken cancellationToken)
    {
        Uri address = new($"http://127.0.0.1:{LoopbackPort.Free()}");
        Dictionary<string, string> environment = new() { ["ASPNETCORE_URLS"] = address.ToString() };
        var process = ChildProcess.Start("empty-server", typeof(EmptyServer).Assembly.Location, [CommandName], environment);
        await HealthGate.WaitAsync(process, address, cancellationToken);
        return (process, address);
    }

    private static Task AnswerAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.ContentLength = _body.Length;
        return context.Response.Body.WriteAsync(_body, 0, _body.Length, context.RequestAborted);
    }
}
