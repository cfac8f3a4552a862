using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using TicketApp.Api.Auth;
using TicketApp.Api.Storage;
using TicketApp.Api.Telemetry;
using TicketApp.ServiceDefaults;

namespace TicketApp.Tests.Auth.Unit;

/// <summary>Who may create users, and how many. Nothing is stored: a call that is let in fails at the database, which is away.</summary>
public sealed class SignUpTests
{
    private const string AdminKey = "admin-key-of-the-tests-1";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Only_administrators_create_users_where_nothing_is_set()
    {
        await using var app = await StartAsync("Production");

        Assert.Equal(HttpStatusCode.Unauthorized, (await CreateAsync(app)).StatusCode);
        AssertLetIn(await CreateAsync(app, key: AdminKey));
    }

    [Fact]
    public async Task Everyone_creates_users_where_no_call_needs_a_key()
    {
        await using var app = await StartAsync("Development");

        for (var i = 0; i < 30; i++)
        {
            AssertLetIn(await CreateAsync(app));
        }
    }

    [Fact]
    public async Task A_stranger_creates_so_many_users_a_minute()
    {
        await using var app = await StartAsync("Production", ("Auth:SignUp", "anyone"), ("Limits:SignUpsPerMinutePerAddress", "2"));

        AssertLetIn(await CreateAsync(app, "127.0.0.2"));
        AssertLetIn(await CreateAsync(app, "127.0.0.2"));
        AssertRefused(await CreateAsync(app, "127.0.0.2"));
        // Neither another address nor an administrator has a part in it.
        AssertLetIn(await CreateAsync(app, "127.0.0.3"));
        AssertLetIn(await CreateAsync(app, "127.0.0.2", AdminKey));
    }

    [Fact]
    public async Task All_strangers_together_create_so_many_users_a_minute()
    {
        await using var app = await StartAsync("Production", ("Auth:SignUp", "anyone"), ("Limits:SignUpsPerMinute", "3"));

        for (var i = 2; i < 5; i++)
        {
            AssertLetIn(await CreateAsync(app, string.Create(CultureInfo.InvariantCulture, $"127.0.0.{i}")));
        }

        AssertRefused(await CreateAsync(app, "127.0.0.5"));
        AssertLetIn(await CreateAsync(app, "127.0.0.5", AdminKey));
    }

    private static void AssertLetIn(HttpResponseMessage answer) => Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);

    private static void AssertRefused(HttpResponseMessage answer)
    {
        Assert.Equal(HttpStatusCode.TooManyRequests, answer.StatusCode);
        Assert.InRange(answer.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60));
    }

    private static async Task<WebApplication> StartAsync(string environment, params (string Name, string Value)[] settings)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = environment });
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection([new("Auth:AdminKeys:0", AdminKey)]);
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Name, (string?)setting.Value)));
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.AddAccess();
        builder.Services
            .AddUsers()
            .AddLimits()
            .AddRetention()
            .AddMetrics()
            .AddSingleton<TicketMetrics>()
            .AddSingleton<LoopProgress>()
            .AddSingleton(TimeProvider.System)
            .AddSingleton<DatabaseMigrator>()
            .AddSingleton(NpgsqlDataSource.Create("Host=127.0.0.1;Port=1;Timeout=1"))
            .AddKeyedSingleton(DatabaseMigrator.Source, (services, _) => services.GetRequiredService<NpgsqlDataSource>());
        var app = builder.Build();
        app.UseAccess();
        app.MapUsers();
        await app.StartAsync(Cancel);
        return app;
    }

    private static async Task<HttpResponseMessage> CreateAsync(WebApplication app, string address = "127.0.0.1", string? key = null)
    {
        using HttpClient client = new(new SocketsHttpHandler
        {
            ConnectCallback = async (context, cancellationToken) =>
            {
                Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
                await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        client.DefaultRequestHeaders.Authorization = key is null ? null : new("Bearer", key);
        return await client.PostAsync(new Uri($"{app.Urls.Single()}/user"), null, Cancel);
    }
}
