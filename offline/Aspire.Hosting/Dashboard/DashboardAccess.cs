using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Aspire.Hosting.Dashboard;

/// <summary>
/// Who may use the dashboard: a browser that came with the token once and has the cookie since. The names by which it may be
/// asked for keep out pages of other sites whose name is made to point here; the origin keeps out those of other local ports.
/// </summary>
internal sealed class DashboardAccess
{
    private const string LoginPath = "/login";

    private static readonly string[] _open = ["/dashboard.css", "/favicon.svg"];

    private readonly byte[] _token;
    private readonly byte[] _session = Encoding.ASCII.GetBytes(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)));
    private readonly string _cookie;
    private readonly HashSet<string> _hosts;

    public DashboardAccess(DashboardOptions options)
    {
        _token = Encoding.UTF8.GetBytes(options.BrowserToken);

        // Cookies are shared by all ports of a host: each dashboard has one of its own name.
        _cookie = $".Aspire.Dashboard.{options.Port}";
        _hosts = [$"localhost:{options.Port}", $"127.0.0.1:{options.Port}", $"[::1]:{options.Port}"];
    }

    public async Task CheckAsync(HttpContext context, RequestDelegate next)
    {
        var (request, response) = (context.Request, context.Response);
        response.Headers.ContentSecurityPolicy =
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers["Cross-Origin-Resource-Policy"] = "same-origin";
        response.Headers.CacheControl = "no-store";

        if (!_hosts.Contains(request.Host.Value ?? ""))
        {
            response.StatusCode = StatusCodes.Status400BadRequest;
        }
        else if (request.Path == LoginPath)
        {
            await LogInAsync(context);
        }
        else if (_open.Contains(request.Path.Value))
        {
            await next(context);
        }
        else if (!Equal(request.Cookies[_cookie], _session))
        {
            Refuse(context);
        }
        else if (!HttpMethods.IsGet(request.Method) && request.Headers.Origin != $"{request.Scheme}://{request.Host}")
        {
            response.StatusCode = StatusCodes.Status403Forbidden;
        }
        else
        {
            await next(context);
        }
    }

    private static bool Equal(string? given, byte[] expected) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given ?? ""), expected);

    private static void Refuse(HttpContext context)
    {
        if (context.Request.Path == "/")
        {
            context.Response.Redirect(LoginPath);
        }
        else
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
        }
    }

    private async Task LogInAsync(HttpContext context)
    {
        var token = context.Request.Query["t"].ToString();
        if (!Equal(token, _token))
        {
            context.Response.StatusCode = token.Length == 0 ? StatusCodes.Status200OK : StatusCodes.Status401Unauthorized;
            await DashboardAssets.WriteLoginPageAsync(context.Response, isRefused: token.Length > 0);
            return;
        }

        context.Response.Cookies.Append(_cookie, Encoding.ASCII.GetString(_session), new CookieOptions
        {
            HttpOnly = true,
            SameSite = SameSiteMode.Strict,
            IsEssential = true,
        });
        context.Response.Redirect("/");
    }
}
